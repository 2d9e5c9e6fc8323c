"""A busy model hears less often, then not at all what may change, and at last refuses."""

from __future__ import annotations

import pytest

from qareport.workflows.live.load import Load


def busy(share: float, seconds: float, load: Load | None = None, start_s: float = 0.0) -> Load:
    load = load or Load()
    for tick in range(1, round(seconds * 10) + 1):
        load.ticked(start_s + tick / 10, 0.1, share / 10)
    return load


@pytest.mark.parametrize(("share", "interval"), [(0.3, 600), (0.65, 1000), (0.8, 1500), (0.92, None)])
def test_provisional_text_comes_less_often_the_busier_it_is(share: float, interval: int | None) -> None:
    assert busy(share, 5).interval_ms(600) == interval


@pytest.mark.parametrize(("share", "interval"), [(0.3, 600), (0.65, 1500), (0.8, None), (0.92, None)])
def test_that_of_agents_in_which_nothing_is_signalled_gives_way_first(share: float, interval: int | None) -> None:
    assert busy(share, 5).interval_ms(600, agent=True) == interval


@pytest.mark.parametrize(("share", "interval"), [(0.3, 600), (0.65, 3000), (0.8, 4500), (0.92, None)])
def test_a_long_utterance_is_heard_again_after_a_share_of_its_length(share: float, interval: int | None) -> None:
    assert busy(share, 5).interval_ms(600, heard_ms=9000) == interval
    assert busy(share, 5).interval_ms(600, heard_ms=500) == busy(share, 5).interval_ms(600)


@pytest.mark.parametrize(("share", "sound_ms"), [(0.3, 20_000), (0.65, 5_000), (0.92, 5_000)])
def test_finals_of_a_busy_machine_wait_for_little_provisional_work(share: float, sound_ms: int) -> None:
    assert busy(share, 5).provisional_ms == sound_ms


def test_a_slow_setting_is_not_made_faster() -> None:
    assert busy(0.65, 5).interval_ms(2000) == 2000


def test_new_calls_are_refused_after_ten_seconds_above_95_per_cent_and_let_in_again_after() -> None:
    load = busy(0.99, 9)
    assert not load.is_overloaded
    busy(0.99, 3, load, 9)
    assert load.is_overloaded
    busy(0.2, 4, load, 12)
    assert not load.is_overloaded


def test_a_load_that_saw_nothing_is_idle() -> None:
    assert (Load().busy, Load().is_overloaded) == (0.0, False)
