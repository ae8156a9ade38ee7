"""The real dashboard, on a real warehouse, in a real browser that has no network to speak of."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from pydantic import SecretStr

from contracts.clock import SystemClock
from dashboard.launch import dashboard_command
from local.clickhouse.launch import Address
from local.ports import free_port
from settings import Settings, secret
from tests.planned_company import made
from tests.seeded_company import ACCOUNTS, Known, activity, seed
from tests.services import need
from tests.warehouse_server import serving
from tests.worker_process import working
from warehouse.migrate import migrate
from warehouse.writer import Writer

pytestmark = [pytest.mark.browser, pytest.mark.warehouse]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = {"desktop": 1440, "telephone": 390}
ROW_PIXELS = 33
SOON = 30_000
"""Milliseconds within which a page must have changed, on a machine that is busy."""


@dataclass
class Heard:
    """What the browser asked for, and what it complained about."""

    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need(CHROMIUM, "Chromium is not installed (apt install chromium)")
    return tmp_path_factory.mktemp("company")


@pytest.fixture(scope="module")
def port() -> int:
    """The warehouse's port: it comes back on the same one."""
    return free_port()


@pytest.fixture(scope="module")
def worker_port() -> int:
    """Where the page finds the worker, if one runs."""
    return free_port()


@pytest.fixture(scope="module")
def warehouse(home: Path, port: int) -> Iterator[tuple[SecretStr, subprocess.Popen[bytes]]]:
    with serving(home, "--port", str(port)) as (served, process):
        migrate(url_of(served))
        seed(url_of(served), SystemClock().now(), home)
        write_a_plan(url_of(served))
        yield url_of(served), process


@pytest.fixture(scope="module")
def address(
    warehouse, home: Path, worker_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the dashboard is served, started from a folder that is not the project's."""
    url, _ = warehouse
    settings = Settings(home=home, dashboard_port=free_port())
    told = {
        "HEADWATER_HOME": str(home),
        "HEADWATER_WAREHOUSE_URL": url.get_secret_value(),
        "HEADWATER_WORKER_PORT": str(worker_port),
        "HEADWATER_COMMAND_TOKEN": token_of(home),
    }
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with subprocess.Popen(
        dashboard_command(settings), env=os.environ | told, cwd=elsewhere
    ) as process:
        at = f"http://127.0.0.1:{settings.dashboard_port}"
        try:
            wait_until(lambda: answers(f"{at}/_stcore/health"), 60)
            yield at
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def browser(heard: Heard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, args=list(FLAGS)
        )
        context.on("request", lambda request: heard.hosts.add(urlsplit(request.url).netloc))
        yield context
        context.close()


@pytest.fixture
def live(browser: BrowserContext, address: str, heard: Heard) -> Iterator[Page]:
    with opened(browser, address, heard, WIDTHS["desktop"]) as page:
        yield page


def test_a_new_activity_appears_without_reloading(live: Page, warehouse, record_property):
    write_activity(warehouse[0], "warm-up")
    expect(live.get_by_text("A letter: warm-up")).to_be_visible(timeout=SOON)
    live.evaluate("window.sameDocument = true")
    delays = []
    for number in range(5):
        started = write_activity(warehouse[0], f"number {number}")
        expect(live.get_by_text(f"A letter: number {number}")).to_be_visible(timeout=SOON)
        delays.append(monotonic() - started)
    assert live.evaluate("window.sameDocument")
    assert live.locator(".hw-feed li").first.inner_text().count(ACCOUNTS[8].name)
    record_property("stored_to_visible_seconds", sorted(delays))
    print("stored to visible, seconds:", [round(delay, 2) for delay in sorted(delays)])
    assert min(delays) < 5


def test_choosing_an_account_explains_its_score(live: Page):
    assert "account=" not in live.url
    account = choose(live, row=3)
    assert f"account={account.account_id}" in live.url
    live.reload()
    expect(why(live, account)).to_be_visible(timeout=SOON)


def test_a_chosen_account_stays_chosen_when_another_overtakes_it(live: Page, warehouse):
    account = choose(live, row=7)
    runner_up = named(cell(live, row=8).inner_text())
    for number in range(4):
        write_activity(warehouse[0], f"overtaking {number}", runner_up, duration_seconds=2700)
    expect(cell(live, row=8)).not_to_have_text(runner_up.name, timeout=SOON)
    chosen = live.locator('[role="row"][aria-selected="true"]').first
    expect(chosen).to_contain_text(account.name, timeout=SOON)
    expect(why(live, account)).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_both_pages_fit_their_screen(browser, address, heard, width):
    with opened(browser, address, heard, width) as page:
        expect(page.get_by_text("Dead letters waiting").last).to_be_visible(timeout=SOON)
        assert overflow(page) == 0
        go_to_investments(page)
        expect(page.locator(".hw-verdict")).to_have_count(4, timeout=SOON)
        assert overflow(page) == 0


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_gap_and_the_matches_fit_their_screen(browser, address, heard, width):
    with opened(browser, address, heard, width) as page:
        go_to(page, "Coverage", "What the CRM lacks of")
        expect(page.locator(".hw-table.gap").first).to_be_visible(timeout=SOON)
        assert overflow(page) == 0
        go_to(page, "Matches", "Matches to check")
        if width == WIDTHS["telephone"]:
            page.get_by_test_id("stSidebarCollapseButton").locator("button").dispatch_event("click")
        open_first_row(page)
        assert overflow(page) == 0


def test_every_chart_can_be_read_aloud(live: Page):
    expect(chart(live, "A score of")).to_be_attached(timeout=SOON)
    go_to_investments(live)
    expect(chart(live, "Return on each investment")).to_be_attached(timeout=SOON)
    expect(chart(live, "Effect per rep and month")).to_have_count(3, timeout=SOON)
    assert (
        live.get_by_test_id("stVegaLiteChart").count()
        == live.locator('[data-testid="stVegaLiteChart"][aria-label]').count()
    )


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_plan_fits_its_screen_and_each_of_its_charts_can_be_read_aloud(
    browser, address, heard, width
):
    with opened(browser, address, heard, width) as page:
        go_to(page, "Plan", "Where the next money should go")
        expect(page.get_by_text("The next experiment worth running")).to_be_visible(timeout=SOON)
        expect(chart(page, "Expected margin less spend")).to_be_attached(timeout=SOON)
        expect(chart(page, "Expected return on each proposal")).to_be_attached(timeout=SOON)
        expect(chart(page, "What a spend on")).to_have_count(3, timeout=SOON)
        assert overflow(page) == 0


def test_the_roll_out_downloads_as_a_file(live: Page):
    go_to(live, "Plan", "Where the next money should go")
    with live.expect_download(timeout=SOON) as download:
        live.get_by_text("Download the roll-out (CSV)").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "unit_id,name,team_id,wave,starts_on"
    assert len(lines) > 10


def test_a_person_chooses_a_match_sees_that_it_is_taken_and_then_the_new_match(
    live: Page, warehouse, home: Path, worker_port: int
):
    go_to(live, "Matches", "Matches to check")
    open_first_row(live)
    expect(live.get_by_text("No contact has one of its addresses").last).to_be_visible()
    account = live.get_by_role("combobox", name="Account")
    account.click()
    account.press_sequentially("Relecloud")
    live.get_by_role("option", name="Relecloud").click(timeout=SOON)
    button = live.get_by_role("button", name="Choose this match")
    button.click(timeout=SOON)
    expect(live.get_by_text("say who you are")).to_be_visible(timeout=SOON)
    name_oneself(live, "Lena")
    button.click()
    expect(live.get_by_text("no worker answers")).to_be_visible(timeout=SOON)
    with working(home, warehouse[0], worker_port):
        button.click()
        done = live.get_by_text("the activity belongs to A-09")
        expect(live.get_by_text("the log has it").or_(done)).to_be_visible(timeout=SOON)
        expect(done).to_be_visible(timeout=SOON)
    decided = live.locator(".hw-facts")
    expect(decided).to_contain_text("Relecloud", timeout=SOON)
    expect(decided).to_contain_text("Lena, and it stays so")
    assert token_of(home) not in live.content()
    assert live.get_by_text("the log has it").count() == 0


def test_a_proposed_person_is_dismissed_and_is_gone(
    live: Page, warehouse, home: Path, worker_port: int
):
    write_activity(warehouse[0], "from a new person", replace(ACCOUNTS[8], people=("zoe.zander",)))
    go_to(live, "Coverage", "What the CRM lacks")
    proposal = live.get_by_test_id("stDataFrame").filter(has_text="zoe.zander@relecloud.example")
    proposal.click(position={"x": 20, "y": ROW_PIXELS * 1.5}, timeout=3 * SOON)
    live.get_by_label("Your name").wait_for(timeout=SOON)
    name_oneself(live, "Lena")
    with working(home, warehouse[0], worker_port):
        live.get_by_role("button", name="Dismiss 1 person").click(timeout=SOON)
        expect(live.get_by_text("Done")).to_be_visible(timeout=2 * SOON)
        expect(proposal).to_have_count(0, timeout=SOON)


def test_no_request_leaves_this_machine_and_nothing_complains(live: Page, heard: Heard, address):
    expect(live.locator(".hw-feed")).to_be_visible(timeout=SOON)
    go_to_investments(live)
    expect(live.locator(".hw-verdict")).to_have_count(4, timeout=SOON)
    assert heard.hosts == {urlsplit(address).netloc}
    assert heard.errors == []


def test_a_warehouse_that_hangs_is_told_and_forgiven(live: Page, warehouse):
    _, process = warehouse
    process.send_signal(signal.SIGSTOP)
    try:
        expect(live.locator(".hw-fresh.down .state")).to_be_visible(timeout=2 * SOON)
        expect(live.locator(".hw-figures")).to_have_count(0)
    finally:
        process.send_signal(signal.SIGCONT)
    expect(live.locator(".hw-feed")).to_be_visible(timeout=2 * SOON)


def test_a_warehouse_that_stops_is_told_and_its_return_is_noticed(
    live: Page, warehouse, home: Path, port: int
):
    _, process = warehouse
    process.terminate()
    process.wait(30)
    expect(live.locator(".hw-fresh.down .state")).to_be_visible(timeout=SOON)
    expect(live.get_by_text(re.compile("last answer .* ago"))).to_be_visible()
    expect(live.locator(".hw-figures")).to_have_count(0)
    assert "Traceback" not in live.inner_text("body")
    with serving(home, "--port", str(port)):
        expect(live.locator(".hw-feed")).to_be_visible(timeout=SOON)
        expect(live.locator(".hw-fresh.down")).to_have_count(0)


@contextmanager
def opened(browser: BrowserContext, address: str, heard: Heard, width: int) -> Iterator[Page]:
    """Open the live page in a new tab, and listen to what it complains about."""
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.on("console", lambda said: said.type == "error" and heard.errors.append(said.text))
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    page.on("websocket", lambda socket: heard.hosts.add(urlsplit(socket.url).netloc))
    page.goto(address)
    expect(page.locator(".hw-fresh")).to_be_visible(timeout=2 * SOON)
    yield page
    page.close()


def choose(page: Page, row: int) -> Known:
    """Click on a row of the accounts, and wait until the page explains that account."""
    account = named(cell(page, row).inner_text())
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 20, "y": ROW_PIXELS * (row + 1.5)})
    expect(why(page, account)).to_be_visible(timeout=SOON)
    return account


def cell(page: Page, row: int) -> Locator:
    """Return the name in a row of the accounts, as a screen reader has it."""
    return page.get_by_test_id("stDataFrame").first.get_by_test_id(f"glide-cell-1-{row}")


def open_first_row(page: Page) -> None:
    """Tick the first row of the page's first table, and wait until the page asks about it."""
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 20, "y": ROW_PIXELS * 1.5}, timeout=SOON)
    expect(page.get_by_text("Say better")).to_be_visible(timeout=SOON)


def name_oneself(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")


def chart(page: Page, says: str) -> Locator:
    """Return the charts whose description begins with these words."""
    return page.locator(f'[data-testid="stVegaLiteChart"][aria-label^="{says}"]')


def why(page: Page, account: Known) -> Locator:
    return page.locator("h2", has_text=f"Why {account.name} scores")


def named(name: str) -> Known:
    return next(known for known in ACCOUNTS if known.name == name)


def go_to_investments(page: Page) -> None:
    go_to(page, "Investments", "Where sales investments pay off")


def go_to(page: Page, name: str, heading: str) -> None:
    if (menu := page.get_by_test_id("stExpandSidebarButton")).is_visible():
        menu.click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text(heading)).to_be_visible(timeout=SOON)


def write_a_plan(url: SecretStr) -> None:
    writer = Writer(url)
    writer.write(made(as_of=SystemClock().now()).rows)
    writer.close()


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its screen."""
    return page.evaluate(
        "Math.max(...[document.documentElement, ...document.querySelectorAll("
        "'[data-testid=stMain], [data-testid=stMainBlockContainer]')]"
        ".map(element => element.scrollWidth - element.clientWidth))"
    )


def write_activity(
    url: SecretStr, name: str, known: Known = ACCOUNTS[8], duration_seconds: int = 0
) -> float:
    """Store a mail, or a call, as the worker does; return when that was done."""
    now = SystemClock().now()
    rows = activity(
        known,
        f"live/{name}",
        now - timedelta(seconds=1),
        Random(1),
        channel="call" if duration_seconds else "email",
        direction="inbound",
        subject=f"A letter: {name}",
        duration_seconds=duration_seconds,
        received_at=now,
    )
    writer = Writer(url)
    writer.write(list(rows))
    writer.close()
    return monotonic()


def token_of(home: Path) -> str:
    return secret(home, "command_token").get_secret_value()


def url_of(served: Address) -> SecretStr:
    password = served.password.get_secret_value()
    return SecretStr(f"clickhouse://headwater:{password}@{served.host}:{served.port}")


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, f"it took more than {seconds} s"
        sleep(0.05)
