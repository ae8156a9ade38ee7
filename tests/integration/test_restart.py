"""What was stored is there after a restart."""

from datetime import UTC, datetime

from contracts.crm_rows import AccountRow
from tests.warehouse_server import serving
from tests.warehouse_tables import url_of
from warehouse.migrate import migrate
from warehouse.reader import Reader
from warehouse.writer import Writer


def test_the_local_warehouse_opens_again_with_all_it_had(tmp_path):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for start in range(3):
        with serving(tmp_path) as (served, _):
            url = url_of(served)
            migrate(url)
            assert Reader(url).value("SELECT count() FROM raw.account") == start
            account = AccountRow(
                source="test", knowable_at=now, account_id=f"A-{start}", name="Acme"
            )
            Writer(url).write([account])
