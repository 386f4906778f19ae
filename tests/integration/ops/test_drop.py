from collections.abc import Callable
from contextlib import closing

from ops import wiring
from ops.cutover import reverse
from tests.integration.ops.conftest import Ended, register
from tests.shop import Shop

Command = Callable[..., Ended]


def test_drop_lists_and_removes_the_subjects_of_the_pipeline_and_no_others(
    shop: Shop, understudy: Command
) -> None:
    ours = {f"{shop.pipeline}.public.orders-{part}" for part in ("key", "value")}
    others = {f"{shop.pipeline}.public.others-value", f"{shop.pipeline}2.public.orders-value"}
    migration = wiring.read(shop.folder)
    with closing(wiring.registry(migration, wiring.endpoints(migration))) as registry:
        for subject in ours | others:
            registry.ensure(subject, {"type": "string"}, "BACKWARD")
        listed = understudy("drop", shop.folder, "--dry-run").out.splitlines()
        assert listed == [f"registry subject {subject}" for subject in sorted(ours)]
        assert understudy("drop", shop.folder, "--confirm", shop.pipeline).code == 0
        assert registry.subjects() & (ours | others) == others
    assert understudy("drop", shop.folder).err == "nothing was removed\n"


def test_drop_removes_the_way_back_which_would_hold_back_wal(
    shop: Shop, understudy: Command
) -> None:
    register(shop)
    migration = wiring.read(shop.folder)
    reverse.prepare(migration, wiring.endpoints(migration))
    kept = "SELECT FROM pg_replication_slots WHERE database = current_database()"
    assert shop.read(kept)
    assert "the way back" in understudy("drop", shop.folder, "--dry-run").out
    assert understudy("drop", shop.folder, "--confirm", shop.pipeline).code == 0
    assert not shop.read(kept)
    assert understudy("drop", shop.folder).err == "nothing was removed\n"
