"""The real dashboard, on a real warehouse, in a real browser that has no network to speak of."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from pydantic import SecretStr

from contracts.clock import SystemClock
from dashboard.launch import dashboard_command
from local.ports import free_port
from settings import Settings, secret
from tests.planned_company import made
from tests.seeded_company import ACCOUNTS, Known, activity, seed
from tests.services import need
from tests.waiting import PATIENCE_SECONDS, answers, wait_until
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
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
SOON = PATIENCE_SECONDS * 500
"""Milliseconds within which a page must have changed, on a machine that is busy."""
expect.set_options(timeout=SOON)


@dataclass
class Heard:
    """What the browser asked for, and what it complained about."""

    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)


class Warehouse:
    """The company's warehouse, which may stop and come back on the same port."""

    def __init__(self, home: Path) -> None:
        self._home, self._port = home, str(free_port())
        self.runs = ExitStack()

    def start(self) -> None:
        served, self.process = self.runs.enter_context(serving(self._home, "--port", self._port))
        self.url = url_of(served)

    def stop(self) -> None:
        self.runs.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need(CHROMIUM, "Chromium is not installed (apt install chromium)")
    return tmp_path_factory.mktemp("company")


@pytest.fixture(scope="module")
def worker_port() -> int:
    """Where the page finds the worker, if one runs."""
    return free_port()


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Iterator[Warehouse]:
    warehouse = Warehouse(home)
    with warehouse.runs:
        warehouse.start()
        migrate(warehouse.url)
        seed(warehouse.url, SystemClock().now(), home)
        write_a_plan(warehouse.url)
        yield warehouse


@pytest.fixture(scope="module")
def address(
    warehouse, home: Path, worker_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the dashboard is served, started from a folder that is not the project's."""
    settings = Settings(home=home, dashboard_port=free_port())
    told = {
        "HEADWATER_HOME": str(home),
        "HEADWATER_WAREHOUSE_URL": warehouse.url.get_secret_value(),
        "HEADWATER_WORKER_PORT": str(worker_port),
        "HEADWATER_COMMAND_TOKEN": token_of(home),
    }
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with subprocess.Popen(
        dashboard_command(settings), env=os.environ | told, cwd=elsewhere
    ) as process:
        at = f"http://127.0.0.1:{settings.dashboard_port}"
        try:
            wait_until(lambda: answers(f"{at}/_stcore/health"))
            yield at
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def browser(heard: Heard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, args=list(FLAGS)
        )
        context.set_default_timeout(SOON)
        context.on("request", lambda request: heard.hosts.add(urlsplit(request.url).netloc))
        yield context
        context.close()


@pytest.fixture
def live(browser: BrowserContext, address: str, heard: Heard) -> Iterator[Page]:
    with opened(browser, address, heard, WIDTHS["desktop"]) as page:
        yield page


def test_a_new_activity_appears_without_reloading(live: Page, warehouse, record_property):
    write_activity(warehouse.url, "warm-up")
    expect(live.get_by_text("A letter: warm-up")).to_be_visible()
    live.evaluate("window.sameDocument = true")
    delays = []
    for number in range(5):
        started = write_activity(warehouse.url, f"number {number}")
        expect(live.get_by_text(f"A letter: number {number}")).to_be_visible()
        delays.append(monotonic() - started)
    assert live.evaluate("window.sameDocument")
    assert live.locator(".hw-feed li").first.inner_text().count(ACCOUNTS[8].name)
    record_property("stored_to_visible_seconds", sorted(delays))
    print("stored to visible, seconds:", [round(delay, 2) for delay in sorted(delays)])


def test_choosing_an_account_explains_its_score(live: Page):
    assert "account=" not in live.url
    account = choose(live, row=3)
    assert f"account={account.account_id}" in live.url
    live.reload()
    expect(why(live, account)).to_be_visible()


def test_a_chosen_account_stays_chosen_when_another_overtakes_it(live: Page, warehouse):
    account = choose(live, row=7)
    runner_up = named(cell(live, row=8).inner_text())
    for number in range(4):
        write_activity(warehouse.url, f"overtaking {number}", runner_up, duration_seconds=2700)
    expect(cell(live, row=8)).not_to_have_text(runner_up.name)
    chosen = live.locator('[role="row"][aria-selected="true"]').first
    expect(chosen).to_contain_text(account.name)
    expect(why(live, account)).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_both_pages_fit_their_screen(browser, address, heard, width):
    with opened(browser, address, heard, width) as page:
        expect(page.get_by_text("Dead letters waiting").last).to_be_visible()
        assert overflow(page) == 0
        go_to_investments(page)
        expect(page.locator(".hw-verdict")).to_have_count(4)
        assert overflow(page) == 0


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_gap_and_the_matches_fit_their_screen(browser, address, heard, width):
    with opened(browser, address, heard, width) as page:
        go_to(page, "Coverage", "What the CRM lacks of")
        expect(page.locator(".hw-table.gap").first).to_be_visible()
        assert overflow(page) == 0
        go_to(page, "Matches", "Matches to check")
        if width == WIDTHS["telephone"]:
            page.get_by_test_id("stSidebarCollapseButton").locator("button").dispatch_event("click")
        open_first_row(page)
        assert overflow(page) == 0


def test_every_chart_can_be_read_aloud(live: Page):
    expect(chart(live, "A score of")).to_be_attached()
    go_to_investments(live)
    expect(chart(live, "Return on each investment")).to_be_attached()
    expect(chart(live, "Effect per rep and month")).to_have_count(3)
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
        expect(page.get_by_text("The next experiment worth running")).to_be_visible()
        expect(chart(page, "Expected margin less spend")).to_be_attached()
        expect(chart(page, "Expected return on each proposal")).to_be_attached()
        expect(chart(page, "What a spend on")).to_have_count(3)
        assert overflow(page) == 0


def test_a_person_sets_the_rules_of_the_next_plan_and_sees_whose_they_are(
    live: Page, warehouse, home: Path, worker_port: int
):
    go_to(live, "Plan", "Where the next money should go")
    budget = live.get_by_role("spinbutton", name="Budget")
    budget.fill("123456")
    budget.press("Tab")
    name_oneself(live, "Lena")
    with working(home, warehouse.url, worker_port):
        live.get_by_role("button", name="Keep these rules").click()
        expect(live.get_by_text("the next plan keeps these rules")).to_be_visible()
    expect(live.get_by_text("Set by Lena")).to_be_visible()
    expect(budget).to_have_value("123456")


def test_the_roll_out_downloads_as_a_file(live: Page):
    go_to(live, "Plan", "Where the next money should go")
    with live.expect_download() as download:
        live.get_by_text("Download the roll-out (CSV)").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "unit_id,name,team_id,team,wave,starts_on"
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
    live.get_by_role("option", name="Relecloud").click()
    button = live.get_by_role("button", name="Choose this match")
    button.click()
    expect(live.get_by_text("say who you are")).to_be_visible()
    name_oneself(live, "Lena")
    button.click()
    expect(live.get_by_text("no worker answers")).to_be_visible()
    with working(home, warehouse.url, worker_port):
        button.click()
        done = live.get_by_text("the activity belongs to A-09")
        expect(live.get_by_text("the log has it").or_(done)).to_be_visible()
        expect(done).to_be_visible()
    decided = live.locator(".hw-facts")
    expect(decided).to_contain_text("Relecloud")
    expect(decided).to_contain_text("Lena, and it stays so")
    assert token_of(home) not in live.content()
    assert live.get_by_text("the log has it").count() == 0


def test_a_proposed_person_is_dismissed_and_is_gone(
    live: Page, warehouse, home: Path, worker_port: int
):
    write_activity(warehouse.url, "from a new person", replace(ACCOUNTS[8], people=("zoe.zander",)))
    go_to(live, "Coverage", "What the CRM lacks")
    proposal = live.get_by_test_id("stDataFrame").filter(has_text="zoe.zander@relecloud.example")
    proposal.click(position={"x": 20, "y": ROW_PIXELS * 1.5})
    live.get_by_label("Your name").wait_for()
    name_oneself(live, "Lena")
    with working(home, warehouse.url, worker_port):
        live.get_by_role("button", name="Dismiss 1 person").click()
        expect(live.get_by_text("Done")).to_be_visible()
        expect(proposal).to_have_count(0)


def test_no_request_leaves_this_machine_and_nothing_complains(live: Page, heard: Heard, address):
    expect(live.locator(".hw-feed")).to_be_visible()
    go_to_investments(live)
    expect(live.locator(".hw-verdict")).to_have_count(4)
    assert heard.hosts == {urlsplit(address).netloc}
    assert heard.errors == []


def test_a_warehouse_that_hangs_is_told_and_forgiven(live: Page, warehouse):
    warehouse.process.send_signal(signal.SIGSTOP)
    try:
        expect(live.locator(".hw-fresh.down .state")).to_be_visible()
        expect(live.locator(".hw-figures")).to_have_count(0)
    finally:
        warehouse.process.send_signal(signal.SIGCONT)
    expect(live.locator(".hw-feed")).to_be_visible()


def test_a_warehouse_that_stops_is_told_and_its_return_is_noticed(live: Page, warehouse):
    warehouse.stop()
    try:
        expect(live.locator(".hw-fresh.down .state")).to_be_visible()
        expect(live.get_by_text(re.compile("last answer .* ago"))).to_be_visible()
        expect(live.locator(".hw-figures")).to_have_count(0)
        assert "Traceback" not in live.inner_text("body")
    finally:
        warehouse.start()
    expect(live.locator(".hw-feed")).to_be_visible()
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
    expect(page.locator(".hw-fresh")).to_be_visible()
    yield page
    page.close()


def choose(page: Page, row: int) -> Known:
    """Click on a row of the accounts, and wait until the page explains that account."""
    account = named(cell(page, row).inner_text())
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 20, "y": ROW_PIXELS * (row + 1.5)})
    expect(why(page, account)).to_be_visible()
    return account


def cell(page: Page, row: int) -> Locator:
    """Return the first cell of a row of the page's first table, as a screen reader has it."""
    return page.get_by_test_id("stDataFrame").first.get_by_test_id(f"glide-cell-1-{row}")


def open_first_row(page: Page) -> None:
    """Tick the first row of the page's first table, and wait until the page asks about it."""
    expect(cell(page, row=0)).to_be_attached()  # before it is drawn, a click is lost
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 20, "y": ROW_PIXELS * 1.5})
    expect(page.get_by_text("Say better")).to_be_visible()


def name_oneself(page: Page, name: str) -> None:
    settle(page)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has been drawn to its end: what is typed before may be drawn over."""
    state = "data-test-script-state"
    expect(page.get_by_test_id("stApp")).to_have_attribute(state, "notRunning")


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
    menu = page.get_by_test_id("stExpandSidebarButton")
    link = page.get_by_role("link", name=name)
    expect(menu.or_(link).filter(visible=True).first).to_be_visible()
    if menu.is_visible():
        menu.click()
    link.click()
    expect(page.get_by_text(heading)).to_be_visible()


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
