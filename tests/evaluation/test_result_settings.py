"""Parts of other settings are not mixed in, and a key that is newer than the file has its former value."""

import pytest

from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.result_settings import check_settings
from bilevel_jax.training.config import default_config


def test_settings_from_before_a_key_existed_had_its_default(tmp_path):
    path = tmp_path / "settings.json"
    check_settings(path, {"rows": {"steps": 7}, "pairs": None}, "cells")
    default = default_config().rows.batch_size
    check_settings(path, {"rows": {"steps": 7, "batch_size": default}, "pairs": None}, "cells")
    with pytest.raises(InputError, match=rf"holds cells made with rows\.batch_size = {default}, and it is 3 now"):
        check_settings(path, {"rows": {"steps": 7, "batch_size": 3}, "pairs": None}, "cells")
    with pytest.raises(InputError, match="pairs = None, and it is 'there' now"):
        check_settings(path, {"rows": {"steps": 7}, "pairs": "there"}, "cells")
    # From before there was a test: it was val, of lists out of which nothing was cut.
    check_settings(path, {"rows": {"steps": 7}, "pairs": None, "split": "val", "data": {"test_share": 0.0}}, "cells")
    with pytest.raises(InputError, match="split = 'val', and it is 'test' now; expected another --out"):
        check_settings(path, {"rows": {"steps": 7}, "pairs": None, "split": "test"}, "cells")
    with pytest.raises(InputError, match=r"data\.test_share = 0\.0, and it is 0\.2 now"):
        check_settings(path, {"rows": {"steps": 7}, "pairs": None, "data": {"test_share": 0.2}}, "cells")


def test_a_key_that_took_over_from_another_one_had_its_value(tmp_path):
    path, former = tmp_path / "settings.json", {"rows.balance": "data.balance"}
    check_settings(path, {"data": {"balance": 1.0}}, "cells")
    check_settings(path, {"data": {"balance": 1.0}, "rows": {"balance": 1.0}}, "cells", former)
    with pytest.raises(InputError, match=r"holds cells made with rows\.balance = 1\.0, and it is 0\.0 now"):
        check_settings(path, {"data": {"balance": 1.0}, "rows": {"balance": 0.0}}, "cells", former)
    check_settings(tmp_path / "new.json", {"data": {"balance": 1.0}, "rows": {"balance": 0.0}}, "cells", former)
    check_settings(tmp_path / "new.json", {"data": {"balance": 1.0}, "rows": {"balance": 0.0}}, "cells", former)
