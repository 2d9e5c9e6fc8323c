"""The HTML page: its sound, what of it nobody may hear, its security policy, and what a real browser does with it."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qareport import report
from qareport.audio import decode
from qareport.audio.containers import sha256_of
from qareport.audio.levels import loudness_dbfs
from qareport.audio.playback import make_playable
from qareport.audio.resampling import SAMPLE_RATE
from qareport.errors import AudioError
from qareport.model import AudioInfo, MaskedSpan, OrderReport, PersonalKind, Role
from qareport.report.formats.html import render_html
from qareport.report.order import transcript_lines
from qareport.report.order.view import build_view
from qareport.settings import ReportSettings, bundled_calls
from tests.support import report_samples as samples
from tests.support.chromium import SKIPPED, Browser, browser

SILENT, LOUD = ReportSettings(), ReportSettings(audio=True)
SECONDS = 60


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first minute of a bundled call, agent and customer on channels of their own."""
    samples_ = decode.decode(bundled_calls() / "c01-shipping-doubt.ogg", max_duration_ms=3_600_000).samples
    path = tmp_path_factory.mktemp("recording") / "call.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples_.shape[0])
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples_.T[: SECONDS * SAMPLE_RATE] * 32_767).astype("<i2").tobytes())
    return path


def with_recording(order: OrderReport, path: Path, **changes: Any) -> OrderReport:
    """Give the first call of an order a real recording, and the call some changes."""
    heard = decode.decode(path, max_duration_ms=3_600_000).info
    return replace(order, calls=(replace(order.calls[0], audio=heard, **changes), *order.calls[1:]))


def page(order: OrderReport, settings: ReportSettings = LOUD) -> str:
    return report.render(order, "html", templates=None, settings=settings).decode("utf-8")


def sound(text: str, tmp_path: Path) -> decode.DecodedRecording:
    """Decode the sound that a page carries."""
    (data,) = re.findall(r'<audio [^>]*src="data:audio/ogg;base64,([^"]*)"', text)
    path = tmp_path / "page.ogg"
    path.write_bytes(base64.b64decode(data))
    return decode.decode(path, max_duration_ms=3_600_000)


# --- sound ------------------------------------------------------------------------------------------------------------


def test_a_page_carries_the_sound_of_its_call(recording: Path, tmp_path: Path) -> None:
    order = with_recording(samples.EXAMPLE, recording)
    heard, original = sound(page(order), tmp_path), decode.decode(recording, max_duration_ms=3_600_000)
    assert heard.info.channels == 1
    assert abs(heard.info.duration_ms - original.info.duration_ms) < 100
    for start_ms in range(0, 30_000, 5_000):
        louder = max(loudness_dbfs(channel, start_ms, start_ms + 5_000) for channel in original.samples)
        assert abs(loudness_dbfs(heard.samples, start_ms, start_ms + 5_000) - louder) < 4
    assert page(order) == page(order), "the same recording gives the same page"
    assert len(page(order)) < 24_000 / 8 * 4 / 3 * original.info.duration_ms / 1000 * 1.2 + 120_000


def test_a_page_is_silent_unless_sound_is_asked_for(recording: Path) -> None:
    text = page(with_recording(samples.EXAMPLE, recording), SILENT)
    assert "<audio" not in text
    assert 'class="play' not in text


@pytest.mark.parametrize("exact", [True, False])
def test_masked_personal_data_is_covered_by_a_tone(recording: Path, exact: bool, tmp_path: Path) -> None:
    span = MaskedSpan(start_ms=10_000, end_ms=12_000, kind=PersonalKind.PHONE, role=Role.CUSTOMER, exact=exact)
    segment = replace(samples.SEGMENTS[0], start_ms=8_000, end_ms=16_000, text="我的电话是138****5678，你记一下。")
    order = with_recording(samples.EXAMPLE, recording, masked=(span,), segments=(segment,))
    heard = sound(page(order), tmp_path).samples[0]
    # Where the words stand is only estimated: all of the sentence goes.
    first, last = (9.8, 12.2) if exact else (8.1, 15.9)
    covered = heard[int(first * 16_000) : int(last * 16_000)]
    spectrum = np.abs(np.fft.rfft(covered))
    tone = spectrum[int(430 * covered.size / 16_000) : int(450 * covered.size / 16_000)]
    assert np.square(tone).sum() > 0.98 * np.square(spectrum).sum(), "something else than the tone can be heard"


def test_what_is_covered_is_the_tone_and_nothing_around_it(recording: Path, tmp_path: Path) -> None:
    content, length_ms = make_playable(
        recording,
        sha256=sha256_of(recording),
        covered_ms=[(-500, 1_000), (20_000, 21_000), (9_999_000, 9_999_500)],
        max_duration_ms=3_600_000,
    )
    (tmp_path / "x.ogg").write_bytes(content)
    heard = decode.decode(tmp_path / "x.ogg", max_duration_ms=3_600_000)
    assert abs(heard.info.duration_ms - length_ms) < 100
    tone = loudness_dbfs(heard.samples, 100, 900)
    assert abs(tone - loudness_dbfs(heard.samples, 20_100, 20_900)) < 0.5
    original = decode.decode(recording, max_duration_ms=3_600_000).samples.sum(axis=0)
    for start_ms, end_ms in ((1_100, 6_000), (21_100, 26_000)):
        said = loudness_dbfs(original, start_ms, end_ms)
        assert abs(loudness_dbfs(heard.samples, start_ms, end_ms) - said) < 2


def test_a_recording_that_is_gone_is_told(tmp_path: Path) -> None:
    order = samples.EXAMPLE  # its recording never was on this machine
    text = page(order)
    assert "录音不在原来的地方，本页没有这通电话的声音。" in text
    assert "<audio" not in text
    assert "data-ms" in text


def test_another_recording_under_the_same_name_is_not_played(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "call.ogg"
    path.write_bytes(recording.read_bytes())
    order = with_recording(samples.EXAMPLE, path)
    path.write_bytes((bundled_calls() / "c02-size-chart.ogg").read_bytes())
    text = page(order)
    assert "录音和分析时的不一样" in text
    assert "<audio" not in text
    with pytest.raises(AudioError, match="not the recording that was analysed"):
        make_playable(path, sha256="0" * 64, covered_ms=(), max_duration_ms=1)


def test_a_recording_that_is_too_long_is_told(recording: Path) -> None:
    order = with_recording(samples.EXAMPLE, recording)
    heard = order.calls[0].audio
    assert isinstance(heard, AudioInfo)
    long = replace(order, calls=(replace(order.calls[0], audio=replace(heard, duration_ms=90_000)),))
    text = page(long, replace(LOUD, audio_minutes=1))
    assert "录音长1分30秒，超出一页最多1分钟录音的限制" in text
    assert "<audio" not in text


def test_calls_of_one_page_share_its_minutes(recording: Path) -> None:
    first = with_recording(samples.EXAMPLE, recording).calls[0]
    calls = tuple(replace(first, call_id=name, segments=first.segments[:2]) for name in ("a", "b", "c"))
    length_ms = first.audio.duration_ms if first.audio else 0
    order = replace(samples.EXAMPLE, calls=calls)
    sounds = transcript_lines.make_sounds(order, replace(LOUD, audio_minutes=-(-length_ms // 60_000)))
    assert [bool(sound.source) for sound in sounds.values()] == [True, False, False]
    assert "audio_minutes" in sounds["c"].note


def test_a_page_is_made_again_when_its_recording_comes_back(recording: Path, tmp_path: Path) -> None:
    order = with_recording(samples.EXAMPLE, recording)
    assert report.recordings_key(order, LOUD) == "1"
    assert report.recordings_key(samples.EXAMPLE, LOUD) == "0"
    assert report.recordings_key(order, SILENT) == ""


def test_a_path_that_no_file_system_takes_is_a_recording_that_is_gone(recording: Path) -> None:
    order = with_recording(samples.EXAMPLE, recording)
    heard = order.calls[0].audio
    assert isinstance(heard, AudioInfo)
    call = replace(order.calls[0], audio=replace(heard, path="x" * 5000))
    gone = replace(order, calls=(call, *order.calls[1:]))
    assert report.recordings_key(gone, LOUD) == "0"
    assert "录音不在原来的地方" in page(gone, LOUD)


# --- policy -----------------------------------------------------------------------------------------------------------


def test_the_policy_allows_the_pages_own_script_and_nothing_else() -> None:
    text = page(samples.EXAMPLE)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert html.unescape(policy).split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "media-src data:",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_what_is_printed_has_no_script_and_no_sound(recording: Path) -> None:
    text = render_html(build_view(with_recording(samples.EXAMPLE, recording), LOUD), None)
    assert "<script" not in text
    assert "<audio" not in text
    assert "script-src" not in text
    assert '<form class="find"' not in text


# --- a real browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if SKIPPED:
        pytest.skip("Chromium is not installed")
    folder = tmp_path_factory.mktemp("browser")
    text = page(with_recording(samples.EXAMPLE, recording))
    # A script that the policy does not know must not run, wherever it came from.
    text = text.replace("</main>", "<script>document.title = 'hacked'</script></main>", 1)
    (folder / "report.html").write_text(text, "utf-8")
    with browser(folder / "profile") as browser_page:
        browser_page.open((folder / "report.html").as_uri())
        yield browser_page


@pytest.fixture
def fresh(chromium: Browser) -> Browser:
    """The page with nothing playing and nothing searched."""
    chromium.evaluate(
        "document.querySelectorAll('audio').forEach((audio) => { audio.pause(); audio.currentTime = 0; });"
        "document.querySelector('.find input').value = ''; document.querySelector('.only input').checked = false;"
        "document.querySelector('.find input').dispatchEvent(new Event('input'));"
    )
    return chromium


def plays_from(page: Browser, code: str, second: float) -> None:
    """Click something and check from where the call is played."""
    page.wait("document.querySelector('audio').readyState >= 1")
    page.evaluate(code)
    page.wait("!document.querySelector('audio').seeking")
    at = page.evaluate("document.querySelector('audio').currentTime")
    assert second - 0.1 <= at < second + 1.5
    page.wait("!document.querySelector('audio').paused")


def search(page: Browser, words: str) -> str:
    page.evaluate(
        f"document.querySelector('.find input').value = {words!r};"
        "document.querySelector('.find input').dispatchEvent(new Event('input'));"
    )
    return str(page.evaluate("document.querySelector('.find output').textContent"))


def test_only_the_pages_own_script_runs(chromium: Browser) -> None:
    assert chromium.evaluate("document.title") == "通话质检报告：订单 20241105998877"
    assert chromium.evaluate("document.querySelector('.find').hidden") is False
    assert [text for text in chromium.complaints if "Content Security Policy" not in text] == []
    assert len(chromium.complaints) == 1, "the foreign script, and nothing of our own"


@pytest.mark.parametrize(
    ("code", "second"),
    [
        ("document.querySelectorAll('.node .at')[0].click()", 42),
        ("document.querySelectorAll('.line .time')[3].click()", 38),
        ("document.querySelectorAll('.line .said')[5].click()", 58),
        ("document.querySelectorAll('.line.silence bdi')[0].click()", 42.9),
        ("document.querySelector('svg [data-ms] text').dispatchEvent(new MouseEvent('click', {bubbles: true}))", 42),
    ],
    ids=["moment", "time", "sentence", "silence", "number in the chart"],
)
def test_a_click_plays_from_there(fresh: Browser, code: str, second: float) -> None:
    plays_from(fresh, code, second)


def test_a_click_into_the_chart_plays_from_there(fresh: Browser) -> None:
    code = """
        const chart = document.querySelector('svg[data-duration-ms]'), box = chart.getBoundingClientRect();
        const at = (50 + (706 - 50) * 30000 / chart.dataset.durationMs) / 720;
        chart.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.left + box.width * at}));
    """
    plays_from(fresh, f"(() => {{{code}}})()", 30)
    fresh.wait("document.querySelector('.playhead') !== null")


def test_the_line_that_is_heard_is_marked(fresh: Browser) -> None:
    plays_from(fresh, "document.querySelectorAll('.line .time')[2].click()", 13)
    fresh.wait("document.querySelectorAll('.line')[2].getAttribute('aria-current') === 'true'")
    assert fresh.evaluate("document.querySelectorAll('[aria-current]').length") == 1


def test_search_counts_marks_and_steps(fresh: Browser) -> None:
    assert search(fresh, "angry") == "1 / 2"
    assert fresh.evaluate("document.querySelectorAll('.line.hit').length") == 2
    assert fresh.evaluate("CSS.highlights.get('found').size") == 4
    fresh.evaluate("document.querySelector('.find .next').click()")
    assert fresh.evaluate("document.querySelector('.find output').textContent") == "2 / 2"
    fresh.evaluate("document.querySelector('.find .next').click()")
    assert fresh.evaluate("document.querySelector('.find output').textContent") == "1 / 2"
    fresh.evaluate("document.querySelector('.find .previous').click()")
    assert fresh.evaluate("document.querySelector('.find output').textContent") == "2 / 2"
    assert fresh.evaluate("document.querySelectorAll('.line.current').length") == 1


def test_search_wants_every_word_and_says_when_there_is_nothing(fresh: Browser) -> None:
    assert search(fresh, "ANGRY 退货") == "1 / 1"
    assert search(fresh, "退货 天气") == "没有找到"
    assert search(fresh, " ") == ""


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("愤怒 退货", ["这衣服尺码根本不对!"]),
        ('"[ANGRY]" AND "退货"', ["这衣服尺码根本不对!"]),
        ("【愤怒】，退货", ["这衣服尺码根本不对!"]),
        ("[ANGRY] and 发货", []),
        ("发货 沉默", ["我想问一下到底什么时候发货？", "那到底什么时候发货？"]),
        ("发货 not 沉默", ["我昨天下的单，今天还没发货！"]),
        ("客户：发货 NOT [SILENCE]", ["我昨天下的单，今天还没发货！"]),
        ("[客服] 仓库", ["没有的，仓库那边正常安排。"]),
        ("背景音乐 or 呼吸声", ["没有的，仓库那边正常安排。", "算了。"]),
        ("反讽", ["呵……你们自己看看是不是太麻烦了"]),
        ("(尺码 or 运费) role:agent", ["亲，运费这边要看具体情况的呢。"]),
        ("“昨天下的单 今天”", ["我昨天下的单，今天还没发货！"]),
        ("沉默 17", ["[SILENCE]"]),
        ("ANGRY and (", ["这衣服尺码根本不对!", "你们是不是压单啊！"]),
    ],
)
def test_search_on_the_page_takes_what_the_command_takes(fresh: Browser, query: str, lines: list[str]) -> None:
    search(fresh, query)
    code = (
        "[...document.querySelectorAll('.line.hit')].map((line) => line.querySelector('.said, bdi span').textContent)"
    )
    assert fresh.evaluate(code) == lines
    assert fresh.complaints[1:] == []


def test_search_can_hide_all_else(fresh: Browser) -> None:
    search(fresh, "发货")
    fresh.evaluate("document.querySelector('.only input').click()")
    shown = "[...document.querySelectorAll('.line')].filter((line) => line.offsetParent).length"
    assert fresh.evaluate(shown) == fresh.evaluate("document.querySelectorAll('.line.hit').length") > 0
    search(fresh, "")
    assert fresh.evaluate(shown) == fresh.evaluate("document.querySelectorAll('.line').length")


def test_the_keyboard_is_enough(fresh: Browser) -> None:
    fresh.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
    assert fresh.evaluate("document.activeElement.type") == "search"
    search(fresh, "angry")
    press = (
        "document.querySelector('.find input').dispatchEvent(new KeyboardEvent('keydown', {key: %r, bubbles: true}))"
    )
    fresh.evaluate(press % "Enter")
    assert fresh.evaluate("document.querySelector('.find output').textContent") == "2 / 2"
    fresh.evaluate(press % "Escape")
    assert fresh.evaluate("document.querySelector('.find input').value") == ""
    # What is clicked is a link or a button with a name of its own.
    assert fresh.evaluate(
        "[...document.querySelectorAll('.node .at, .line .time, .find button')].every("
        "(one) => (one.tagName === 'A' && one.href || one.tagName === 'BUTTON') && one.getAttribute('aria-label'))"
    )
