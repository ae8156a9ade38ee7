"""dbt's models as assets and its tests as their checks, read from the manifest.

Two assets, because Python works in between: models over `raw` and `live` come before it, models
over what it writes to `ml` after.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from orchestration.dbt import Dbt, Outcome
from warehouse.reader import Reader

_SHOWN: Final = 5
_MODEL: Final = "model"
_TEST: Final = "test"
Manifest = Mapping[str, Any]
Node = Mapping[str, Any]


def dbt_assets(manifest: Manifest) -> list[dg.AssetsDefinition]:
    """Return the two assets."""
    before = {id_: node for id_, node in manifest["nodes"].items() if not _on_ml(manifest, id_)}
    after = {id_: node for id_, node in manifest["nodes"].items() if id_ not in before}
    return [_asset("dbt", before, manifest), _asset("dbt_over_ml", after, manifest)]


def _asset(name: str, nodes: Mapping[str, Node], manifest: Manifest) -> dg.AssetsDefinition:
    models = {id_: node for id_, node in nodes.items() if node["resource_type"] == _MODEL}
    tests = {id_: node for id_, node in nodes.items() if node["resource_type"] == _TEST}
    checks = {id_: _check_spec(node, manifest) for id_, node in tests.items()}

    @dg.multi_asset(
        name=name,
        specs=[_asset_spec(node, manifest) for node in models.values()],
        check_specs=list(checks.values()),
        can_subset=True,
    )
    def build(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[Dbt],
        reader: dg.ResourceParam[Reader],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        wanted = {id_: n for id_, n in models.items() if _key(n) in context.selected_asset_keys}
        asked = {
            i: n for i, n in tests.items() if checks[i].key in context.selected_asset_check_keys
        }
        outcomes = dbt.build([node["name"] for node in [*wanted.values(), *asked.values()]])
        for outcome in outcomes:
            if outcome.unique_id in asked:
                yield _checked(outcome, checks[outcome.unique_id], reader)
            elif outcome.status == "success":
                yield _materialized(outcome, wanted[outcome.unique_id])
        _refuse_errors([o for o in outcomes if o.unique_id in wanted])

    return build


def _asset_spec(node: Node, manifest: Manifest) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=_key(node),
        deps=[_key(_node(id_, manifest)) for id_ in node["depends_on"]["nodes"]],
        description=node["description"],
        group_name=node["schema"],
        kinds={"clickhouse", "dbt"},
        skippable=True,
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=3)),
    )


def _check_spec(node: Node, manifest: Manifest) -> dg.AssetCheckSpec:
    """Return the check of a test: on the model it is attached to, else the first that it names."""
    model = node.get("attached_node") or node["depends_on"]["nodes"][0]
    return dg.AssetCheckSpec(
        name=node["name"],
        asset=_key(_node(model, manifest)),
        description=node["description"] or None,
        blocking=node["config"]["severity"].lower() == "error",
    )


def _checked(outcome: Outcome, spec: dg.AssetCheckSpec, reader: Reader) -> dg.AssetCheckResult:
    failed = outcome.status in {"fail", "warn"}
    wrong = reader.frame(f"SELECT * FROM ({outcome.sql}) LIMIT {_SHOWN}") if failed else None
    first = [] if wrong is None else wrong.astype(str).to_dict("records")
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=outcome.status == "pass",
        severity=dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN,
        description=_said(first, outcome),
        metadata={"rows that fail": outcome.failures, "seconds": outcome.seconds},
    )


def _said(wrong: list[dict[Any, str]], outcome: Outcome) -> str | None:
    """Return what is wrong, in the test's own words where it has some."""
    if outcome.status == "pass":
        return None
    return "; ".join(row.get("what", str(row)) for row in wrong) or outcome.message


def _materialized(outcome: Outcome, node: Node) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(asset_key=_key(node), metadata={"seconds": outcome.seconds})


def _refuse_errors(outcomes: list[Outcome]) -> None:
    errors = [o for o in outcomes if o.status == "error"]
    if errors:
        said = "\n".join(f"{o.unique_id}: {o.message}" for o in errors)
        raise dg.Failure(f"dbt could not build {len(errors)} models:\n{said}")


def _key(node: Node) -> dg.AssetKey:
    return dg.AssetKey([node["schema"], node["name"]])


def _node(unique_id: str, manifest: Manifest) -> Node:
    node: Node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
    return node


def _on_ml(manifest: Manifest, unique_id: str) -> bool:
    """Tell whether a node rests on what Python writes to `ml`."""
    parents = manifest["parent_map"].get(unique_id, ())
    return any(
        _written_by_python(manifest["sources"].get(parent)) or _on_ml(manifest, parent)
        for parent in parents
    )


def _written_by_python(source: Node | None) -> bool:
    return source is not None and source["source_name"] == "ml"
