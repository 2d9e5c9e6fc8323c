"""The desk in a real browser: no barrier that axe-core finds, nothing that the content policy stops, keys are enough.

Needs Chromium; skipped without it.
"""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from qareport.model import (
    AlertState,
    DeliveryState,
    EventType,
    JobKind,
    JobState,
    LiveEvent,
    LiveLine,
    LiveState,
    Role,
    Signal,
    TryOutcome,
    UserRole,
)
from qareport.model.live import NoticedSignal
from qareport.settings import default_dir
from qareport.web.live_feed import LiveFeed
from qareport.web.serving import DeskServer
from tests.support.desk import PASSWORD, OpenDesk, open_desk
from tests.support.live_board import SAID, end_call, put_alert, put_call, watched
from tests.support.patience import wait_for

playwright = pytest.importorskip("playwright.sync_api")
AXE = resources.files("axe_playwright_python") / "axe.min.js"
#: Pages that anyone sees, and those of the administrator.
STRANGERS = ("/login", "/setup?ticket=no")
PAGES = (
    "/calls", "/calls?q=退货", "/calls?q=(", "/calls/c1", "/calls/none", "/upload", "/account", "/settings/users",
    "/settings/users/1", "/settings/teams", "/settings/tokens", "/settings/webhooks", "/settings/webhooks/1",
    "/settings/integrations", "/settings/integrations/2", "/settings/live", "/audit", "/api", "/qa", "/",
    "/exports?q=退货", "/calls/c2/delete", "/calls/c1/original", "/calls/c1/original?purpose=x",
    "/heat", "/reports", "/review", "/appeals", "/orders/o1", "/agents/A1",
    "/rules", "/rules/service.yaml", "/rules/service.yaml?tab=text", "/rules/service.yaml?tab=new",
    "/rules/service.test.yaml", "/rules/synonyms.yaml",
    "/board", "/board/l1", "/board/l2?heard=1", "/board/alerts",
)  # fmt: skip
#: Parts of cells that a phone shows under the head of the cell instead of beside it.
_UNDER = """[...document.querySelectorAll('.cards tbody :is(td, th)')].filter(cell => cell.offsetParent &&
  [...cell.children].some(part => part.getClientRects().length &&
    part.getBoundingClientRect().left < cell.getBoundingClientRect().left + 90)).map(cell => cell.innerHTML)"""
#: Chinese that is not marked as such: neither what was said, nor advice, nor a name that somebody gave.
_CHINESE = """() => { const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); )
    if (/[\\u3400-\\u9fff]/.test(node.data) &&
        !node.parentElement.closest('[lang^=zh], script, option, pre, textarea, .cm-editor'))
      found.push(node.data.trim());
  return found; }"""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: see deploy/system-packages")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, OpenDesk]]:
    """A desk on a port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = make_integrations(tmp_path_factory.mktemp("config") / "config")
    with open_desk(tmp_path_factory.mktemp("desk"), config=folder) as opened:
        make_webhook(opened)
        make_live_calls(opened)
        config = uvicorn.Config(opened.app, port=port, log_config=None, timeout_graceful_shutdown=1)
        server = DeskServer(config, opened.desk)
        thread = threading.Thread(target=server.run)
        thread.start()
        wait_for(lambda: server.started, what="the server")
        yield f"http://127.0.0.1:{port}", opened
        server.should_exit = True
        thread.join()


def make_integrations(folder: Path) -> Path:
    """Make a configuration with an integration and a robot."""
    shutil.copytree(default_dir("config"), folder)
    (folder / "integrations").mkdir()
    shutil.copy(default_dir("templates") / "integrations" / "zammad.yaml", folder / "integrations")
    settings = (folder / "qareport.yaml").read_text("utf-8")
    robot = "[{name: all, kind: wecom, url: 'env:WECOM_URL'}]"
    (folder / "qareport.yaml").write_text(settings.replace("robots: []", f"robots: {robot}"), "utf-8")
    return folder


def make_webhook(opened: OpenDesk) -> None:
    """Add a webhook with a delivery whose receiver answered with a long word."""
    store, at = opened.desk.store, opened.clock.now
    hook = store.webhooks.add("crm", "https://crm.example.com/" + "path" * 40, at=at, types=[EventType.CALL_JUDGED])
    store.webhooks.raise_event(EventType.CALL_JUDGED, {"call_id": "c1"}, object="call:c1", at=at)
    ((_, delivery),) = store.webhook_queue.take("test", at=at, lease=timedelta(seconds=1), most=1)
    outcome = TryOutcome(state=DeliveryState.FAILED, status=410, reply="x" * 200, gone=True)
    store.webhook_queue.end(delivery.delivery_id, "test", outcome, at=at)
    assert store.webhooks.get(hook.webhook_id).off is not None


def make_live_calls(opened: OpenDesk) -> None:
    """Add a call that is on with everything that a page can show of it, and one whose recording was judged."""
    seen = NoticedSignal(signal=Signal.ANGER, at_ms=0, quote=SAID)
    moods = (("ANGRY", 0), ("NEUTRAL", 30_000), ("ANGRY", 50_000), ("HAPPY", 70_000))
    lines = tuple(
        LiveLine(start_ms=at_ms, end_ms=at_ms + 4000, role=Role.CUSTOMER, channel=0, text=SAID, emotion=emotion)
        for emotion, at_ms in moods
    )
    more: dict[str, Any] = {"signals": (seen,), "findings": (watched(until_ms=87_000),), "lines": lines}
    call = put_call(opened, "l1", "A1", ago_s=75, **more)
    put_alert(opened, call)
    put_alert(opened, call, rule_id="service.question-repeated", title="反复问", level=2, state=AlertState.ACKED)
    ended = put_call(opened, "l2", "A2", ago_s=300, findings=(watched("confirmed"),))
    put_alert(opened, ended, state=AlertState.CLOSED, borne_out=True)
    put_alert(opened, ended, state=AlertState.FALSE_ALARM, false_reason="在说别家的店")
    end_call(opened, ended, LiveState.MERGED, merged_call_id="c1")


def open_page(browser: Any, served: tuple[str, OpenDesk], *, width: int, locale: str, role: UserRole | None) -> Any:
    """Open a window; `complaints` of it are what its console said."""
    address, opened = served
    context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale, base_url=address)
    if role is not None:
        token = opened.enter(role).cookies["qareport"]
        context.add_cookies([{"name": "qareport", "value": token, "url": address}])
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    return page


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_no_page_has_a_barrier_or_overflows(browser: Any, served: tuple[str, OpenDesk], locale: str) -> None:
    axe, found = AXE.read_text("utf-8"), {}
    for role, paths in ((None, STRANGERS), (UserRole.ADMIN, PAGES)):
        page = open_page(browser, served, width=320, locale=locale, role=role)
        for path in paths:
            page.goto(path)
            page.evaluate(axe)
            faults = []
            for width in (320, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                result = page.evaluate(f"axe.run({{runOnly: {_RULES}}})")
                faults += [(fault["id"], fault["nodes"][0]["html"][:100], width) for fault in result["violations"]]
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    faults.append(("overflow", "", width))
                if width == 320:
                    faults += [("under its head", cell[:100], width) for cell in page.evaluate(_UNDER)]
            if locale.startswith("en"):
                faults += [("chinese", text, 0) for text in page.evaluate(_CHINESE)]
            if faults:
                found[path] = faults
        stopped = [text for text in page.complaints if "status of 4" not in text]
        page.context.close()
        assert stopped == []
    assert found == {}


def test_a_phone_shows_tables_and_curves_whole(browser: Any, served: tuple[str, OpenDesk]) -> None:
    page = open_page(browser, served, width=390, locale="zh-CN", role=UserRole.ADMIN)
    for path in ("/heat", "/calls/c1", "/orders/o1"):
        page.goto(path)
        shown = "[...document.querySelectorAll('.scroll, .chart')].filter(part => part.clientWidth)"
        assert page.evaluate(f"{shown}.length") > 0
        assert page.evaluate(f"{shown}.filter(part => part.scrollWidth > part.clientWidth).length") == 0
    page.context.close()


def test_the_player_stays_in_reach_while_the_conversation_is_read(browser: Any, served: tuple[str, OpenDesk]) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.set_viewport_size({"width": 1280, "height": 400})
    page.goto("/calls/c1")
    page.locator(".jump").get_by_role("link", name="对话").click()
    page.wait_for_selector("#player.foot")
    box = page.locator("#player audio").bounding_box()
    assert 0 < box["y"] < 400
    assert box["height"] < 65
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_selector("#player:not(.foot)")
    page.context.close()


def test_who_comes_by_the_link_of_a_sentence_hears_it_first(browser: Any, served: tuple[str, OpenDesk]) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    drawn = {"duration_ms": 60_000, "channels": [[1, 2, 3]], "roles": ["customer"]}  # as the worker makes it
    page.route("**/calls/c1/waveform", lambda route: route.fulfill(json=drawn))
    for path, starts_s in (("/calls/c1#t4500", 4.5), ("/calls/c1", 0)):
        page.goto("/account")
        page.goto(path)
        page.wait_for_selector("#player.ready")
        assert page.evaluate("document.querySelector('#player audio').currentTime") == starts_s
    page.context.close()


def test_a_call_is_found_and_opened_with_the_keyboard_alone(browser: Any, served: tuple[str, OpenDesk]) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=None)
    page.goto("/login")
    tab_to(page, "name")
    page.keyboard.type("analyst")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**:*/")
    tab_to(page, "/calls")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls")
    tab_to(page, "q")
    page.keyboard.type("退货")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls?*")
    tab_to(page, "/calls/c")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/c*")
    assert page.locator("h1").count() == 1
    page.context.close()


@pytest.fixture
def feed(served: tuple[str, OpenDesk]) -> Iterator[LiveFeed]:
    """What the worker tells the desk by."""
    with LiveFeed(Path(served[1].desk.settings.desk.folder)) as opened:
        yield opened


def tell(feed: LiveFeed, type_: str, live_id: str, **data: object) -> None:
    feed.tell(LiveEvent(type=type_, live_id=live_id, agent_id="A1", data=data))


def test_the_board_is_kept_current_without_being_loaded_anew_and_is_used_by_keyboard(
    browser: Any, served: tuple[str, OpenDesk], feed: LiveFeed
) -> None:
    desk = served[1]
    page = open_page(browser, served, width=390, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.goto("/board")
    page.evaluate("window.sameDocument = true")
    wait_until_it_follows(page, feed)

    call = put_call(desk, "l9", "A1", lines=())
    tell(feed, "live.started", "l9")
    page.wait_for_selector("#row-l9")
    line = {"start_ms": 900, "end_ms": 1500, "role": "customer", "channel": 1, "text": "你们到底", "emotion": "ANGRY"}
    tell(feed, "live.partial", "l9", **line)
    page.wait_for_selector("#row-l9 .open:text('你们到底')")
    assert page.locator("#row-l9 .mood .tag-ANGRY").count() == 1
    tell(feed, "live.line", "l9", **line | {"text": "你们到底发不发货！"})
    page.wait_for_selector("#row-l9 .last:has-text('你们到底发不发货！')")
    assert page.locator("#row-l9 .last .open").count() == 0

    alert = put_alert(desk, call)
    tell(feed, "alert.raised", "l9")
    page.wait_for_selector(f"#row-l9 #alert-{alert.alert_id}")
    page.wait_for_selector("#urgent:text('A1 客户说要投诉')")
    page.locator(f"#alert-{alert.alert_id} button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#alert-{alert.alert_id}.is-acked")
    assert desk.desk.store.alerts.get(alert.alert_id).acked_by == desk.users[UserRole.SUPERVISOR].user_id
    assert page.evaluate("document.activeElement !== document.body")

    end_call(desk, call)
    tell(feed, "live.ended", "l9")
    page.wait_for_selector("#ended-l9")
    assert page.locator("#row-l9").count() == 0
    assert page.evaluate("window.sameDocument")
    assert [text for text in page.complaints if "Failed to load" not in text] == []
    page.context.close()


def test_an_alert_that_was_raised_while_the_network_was_away_is_there_when_it_is_back(
    browser: Any, served: tuple[str, OpenDesk], feed: LiveFeed
) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.goto("/board")
    wait_until_it_follows(page, feed)
    page.context.set_offline(True)
    call = put_call(served[1], "away", "A1")
    put_alert(served[1], call, quote="断网时说的话")
    tell(feed, "alert.raised", "away")
    page.wait_for_selector("#link:not(:empty)")
    assert "断网时说的话" not in page.content()
    page.context.set_offline(False)
    page.wait_for_selector(":text('断网时说的话')")
    end_call(served[1], call)
    page.context.close()


def test_the_page_of_a_call_grows_with_what_is_said(browser: Any, served: tuple[str, OpenDesk], feed: LiveFeed) -> None:
    desk = served[1]
    call = put_call(desk, "l8", "A1", lines=())
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.goto("/board/l8")
    wait_until_it_follows(page, feed)
    said = {"start_ms": 500, "end_ms": 900, "role": "agent", "channel": 0, "text": "您好", "emotion": None}
    tell(feed, "live.partial", "l8", **said)
    page.wait_for_selector("#open-lines .said:has-text('未定')")
    tell(feed, "live.line", "l8", **said)
    page.wait_for_selector("#lines [data-line='0-500']")
    assert page.locator("#open-lines li").count() == 0
    put_call(desk, "other", "A1")
    tell(feed, "live.line", "other", **said | {"start_ms": 700, "text": "别处的话"})
    desk.desk.store.live_calls.change([replace(call, findings=(watched(until_ms=20_000),))])
    tell(feed, "live.finding", "l8")
    page.wait_for_selector("#call .countdown:has-text('秒可以补救')")
    assert "别处的话" not in page.content()
    end_call(desk, call)
    tell(feed, "live.ended", "l8")
    page.wait_for_selector("#call [role=status]:has-text('录音正在判定')")
    end_call(desk, call, LiveState.MERGED, merged_call_id="c1")
    page.wait_for_url(re.compile(r"/calls/c1#t\d+$"))
    assert page.locator(".transcript li").count()
    page.context.close()


def test_what_is_dropped_meets_what_the_form_asks_for_and_too_many_are_not_lost_silently(
    browser: Any, served: tuple[str, OpenDesk]
) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.goto("/upload")
    drop = """count => { const data = new DataTransfer();
      for (let i = 0; i < count; i++) data.items.add(new File(["RIFF"], `${i}.wav`));
      const event = new DragEvent("drop", { dataTransfer: data, cancelable: true });
      document.getElementById("upload").dispatchEvent(event); }"""
    page.evaluate(drop, 2)
    assert page.locator("#uploads .upload").count() == 0
    assert page.evaluate("document.activeElement.name") == "agent_id"
    page.get_by_label("客服工号").fill("A1")
    page.evaluate(drop, 51)
    page.wait_for_selector("#notice:has-text('还有1个没有传')")
    page.context.clear_cookies()
    page.wait_for_selector("#uploads .state:has-text('登录已经过期')")
    page.context.close()


def test_many_recordings_are_sent_before_the_first_is_heard_and_each_is_told_of(
    browser: Any, served: tuple[str, OpenDesk]
) -> None:
    jobs, now = served[1].desk.store.jobs, served[1].clock.now
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.ADMIN)
    page.goto("/upload")
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    files = [{"name": f"m{n}.wav", "mimeType": "audio/wav", "buffer": f"RIFF many {n}".encode()} for n in range(8)]
    page.locator("#files").set_input_files(files)
    page.get_by_role("button", name="上传", exact=True).click()
    # Browsers have six connections to a desk: with a stream for each of them the seventh would wait.
    page.wait_for_selector(":nth-match(#uploads [data-state=queued], 8)")
    assert len(streams) == 1
    for _ in range(8):
        job = jobs.take([JobKind.UPLOAD], "w", at=now)
        while job is not None and not str(job.payload["file_name"]).startswith("m"):  # of another test
            job = jobs.take([JobKind.UPLOAD], "w", at=now)
        assert job is not None
        line = {"start_ms": 0, "end_ms": 900, "role": "customer", "channel": 0, "text": "什么时候发货？"}
        progress = {"call_id": "c1", "lines": [line | {"emotion": None, "events": []}]}
        jobs.finish(job.job_id, "w", JobState.DONE, at=now, progress=progress)
    page.wait_for_selector(":nth-match(#uploads [data-state=done] .transcript li, 8)")
    assert len(streams) == 8
    page.context.close()


def test_an_editor_whose_session_ended_keeps_its_text_and_says_what_to_do(
    browser: Any, served: tuple[str, OpenDesk]
) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.goto("/rules/service.yaml?tab=text")
    page.locator(".cm-content").click()
    page.keyboard.type("# mine ")
    page.context.clear_cookies()
    page.get_by_role("button", name="检查", exact=True).first.click()
    page.wait_for_selector("#panel:has-text('登录已经过期')")
    assert "# mine" in page.locator(".cm-content").inner_text()
    page.context.close()


#: Clicks that a supervisor needs from the first page on, who has read nothing: more are a step back.
MOST_CLICKS = {"a call is found": 3, "a finding is corrected": 2, "a rule is published": 5}


class Walk:
    """A person who clicks what pages name, and counts."""

    def __init__(self, page: Any) -> None:
        self.page, self.clicks = page, 0

    def click(self, kind: str, name: str, within: str = "body") -> None:
        """Click the first thing of a kind that is called so."""
        self.page.locator(within).get_by_role(kind, name=name, exact=True).first.click()
        self.clicks += 1


def test_a_new_supervisor_needs_few_clicks(browser: Any, served: tuple[str, OpenDesk]) -> None:
    page = open_page(browser, served, width=1280, locale="zh-CN", role=UserRole.SUPERVISOR)
    page.set_default_timeout(240_000)
    found = {}
    for what, way in (
        ("a call is found", find_call), ("a finding is corrected", correct_finding), ("a rule is published", add_rule),
    ):  # fmt: skip
        page.goto("/")
        walk = Walk(page)
        way(walk)
        found[what] = walk.clicks
    assert found == MOST_CLICKS
    assert [text for text in page.complaints if "status of 4" not in text] == []
    page.context.close()


def find_call(walk: Walk) -> None:
    walk.click("link", "通话")
    walk.page.get_by_label("搜索").first.fill("愤怒 投诉")
    walk.click("button", "搜索")
    walk.page.locator("tbody th a").first.click()
    walk.clicks += 1
    walk.page.wait_for_selector("ol.transcript li:has-text('我要投诉你们')")


def correct_finding(walk: Walk) -> None:
    walk.click("link", "复核")
    walk.click("button", "不对")
    walk.page.wait_for_selector("[role=status]:has-text('已经记下')")


def add_rule(walk: Walk) -> None:
    page = walk.page
    walk.click("link", "质检规则")
    walk.click("link", "＋ 新规则", "tr:has-text('退换与退款')")
    page.get_by_label("标题").fill("客户说了三遍")
    page.get_by_label("说的话（有一个就算）").fill("说了三遍、说了好几遍")
    page.get_by_label("建议话术").fill("先复述客户的问题，再当场给答复。")
    walk.click("button", "写进草稿，连同两个例子")
    assert page.locator("#needs .unmet").all_inner_texts()[0].startswith("✗ 还没有 回放")
    assert page.locator("#needs .met").count() == 2  # what is written is right, and its examples pass
    walk.click("button", "回放", "#needs")
    page.wait_for_selector("#needs .met:has-text('通电话')")
    page.get_by_label("为什么改").fill("客户常这样说")
    walk.click("button", "发布")
    page.wait_for_selector("[role=status]:has-text('已经发布'), main .problem")
    assert page.locator("main .problem").all_inner_texts() == []


def wait_until_it_follows(page: Any, feed: LiveFeed) -> None:
    """Wait until the page follows what the desk tells, and the desk what the worker tells."""
    page.wait_for_selector("[data-following]", state="attached")
    wait_for(lambda: feed._listeners, what="the desk to follow the worker")


def tab_to(page: Any, what: str) -> None:
    """Press Tab until the focus is on a field of a name, or on a link that begins so; it must always be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "(() => { const e = document.activeElement; const box = e.getBoundingClientRect();"
            "return [e.name || e.getAttribute('href') || '', box.bottom > 0 && box.top < innerHeight]; })()"
        )
        assert focus[1], f"the focus on {focus[0]} is out of sight"
        if focus[0] == what or (what.startswith("/") and focus[0].startswith(what)):
            return
    raise AssertionError(f"no way to {what}")
