"""ablation.py --judge and --appearance: what judges find in the images of each row, and what an eye minds in them."""

from collections.abc import Sequence
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict

from bilevel_jax.command_line import refuse_twice
from bilevel_jax.commands.downstream_inputs import check_weights, named_inputs, with_data
from bilevel_jax.commands.downstream_judges import RULE, open_judged_set
from bilevel_jax.commands.evaluate_appearance import DATA_HELP, open_pair_set
from bilevel_jax.data.mixed_sets import kept_places
from bilevel_jax.errors import InputError
from bilevel_jax.evaluation.ablation.ablation_rows import Row
from bilevel_jax.evaluation.ablation.ablation_table import AblationTable
from bilevel_jax.evaluation.ablation.judged_rows import (
    Gains,
    JudgedTable,
    SeenSet,
    about_sets,
    judged_row,
    pooled_gains,
    see_sets,
)
from bilevel_jax.evaluation.ablation.row_appearance import FOLDER, appearance_of_row, worst_of_rows
from bilevel_jax.evaluation.ablation.train_row import row_folder, row_input
from bilevel_jax.evaluation.appearance.measure_set import Group
from bilevel_jax.evaluation.appearance.pair_set import PairSet, content_digest, set_of_source
from bilevel_jax.evaluation.downstream.train_cells import Input
from bilevel_jax.evaluation.judges.detection_judge import DetectionJudge
from bilevel_jax.evaluation.judges.judge_rows import JudgedSet
from bilevel_jax.evaluation.judges.registry import MAKES
from bilevel_jax.evaluation.leakage import check_unseen
from bilevel_jax.inference import Fuser
from bilevel_jax.training.signals import StopRequest

JUDGED = "judged"  # in --appearance: the sets that the judges see


def define_row_judges(values: flags.FlagValues) -> None:
    """Adds the flags of judges and of appearance."""
    text = f"ONNX files of detectors ({', '.join(MAKES)}) that look at the images of each row. No detector is trained "
    text += "then, unless --detector is given"
    flags.DEFINE_list("judge", [], text, flag_values=values)
    text = "pairs that the judges of --judge see; all is every pair of a folder"
    flags.DEFINE_enum("split", "val", ["val", "test", "all"], text, flag_values=values)
    text = "with --judge, the row that the others are compared with (default: the row that they are changed from)"
    flags.DEFINE_string("base_row", None, text, flag_values=values)
    text = f"also measure what an eye minds in the images of each row; sets of pairs: {DATA_HELP}; or {JUDGED}, the "
    text += "sets that the judges see. Pairs that the rows are trained on are refused"
    flags.DEFINE_list("appearance", [], text, flag_values=values)


class RowJudges:
    """Collects what the judges find and what an eye minds in the images of the rows that are trained.

    Args:
        values: the flags of ablation.py.
        base: the configuration that the rows change.
        base_row: the row that the others are compared with.
        out: keeps what the judges find, and holds the folders of the rows. Lists of pairs that it keeps are taken.

    Raises:
        InputError: a judge or a data set cannot be read, two sets or judges have one name, the rule is unknown, or the
            rows are trained on pairs that are judged.
    """

    def __init__(self, values: flags.FlagValues, base: ConfigDict, base_row: str, out: Path):
        self._out, self._base_row = out, base_row
        self._judges = [DetectionJudge(path) for path in values.judge]
        refuse_twice("judge", [judge.name for judge in self._judges])
        self._rule, self._rule_input = _rule((values.reference if self._judges else None) or RULE)
        self._sets: list[JudgedSet] = []
        self._notes: list[str] = []
        for data in (values.data or [None]) if self._judges else []:
            self._open(with_data(base, data), base, values.split)
        refuse_twice("data", [own.name for own in self._sets])
        self._pair_sets = self._sets_of(values.appearance, base)
        self._read_sets: dict[str, PairSet] = {}  # by the digest of their content
        self._seen_rule: list[SeenSet] = []
        self._gains: dict[str, dict[int, Gains]] = {}
        self._measured: dict[str, dict[int, list[Group]]] = {}

    def add(self, row: Row, seed: int, stop: StopRequest) -> None:
        """Shows the images of a trained row to the judges and measures them. What was found is kept in files."""

        def check_stop() -> None:
            stop.check("finished rows and what the judges found are kept")

        if not (self._judges or self._pair_sets):
            return
        folder = row_folder(self._out, row.name, seed)
        fuser = Fuser.from_workdir(folder / "run")
        if self._judges:
            found = self._out / "judges"
            if not self._seen_rule:
                self._seen_rule = see_sets(self._judges, self._sets, self._rule, self._rule_input, found, check_stop)
            name = f"{row.name}-seed_{seed}"
            seen = see_sets(self._judges, self._sets, name, row_input(row, fuser), found, check_stop)
            self._gains.setdefault(row.name, {})[seed] = pooled_gains(seen, self._seen_rule)
        if self._pair_sets:
            self._read_sets = self._read_sets or {content_digest(own, check_stop): own for own in self._pair_sets}
            measured = appearance_of_row(fuser, self._read_sets, folder / FOLDER, check_stop)
            self._measured.setdefault(row.name, {})[seed] = measured

    def complete(self, table: AblationTable) -> None:
        """Adds what is known of the rows to the table of an ablation, in the order of its rows."""
        if self._gains:
            table["judged"] = self._judged([name for name in table["rows"] if name in self._gains])
        if self._measured:
            table["appearance"] = worst_of_rows({n: self._measured[n] for n in table["rows"] if n in self._measured})

    def _judged(self, names: Sequence[str]) -> JudgedTable:
        base = self._gains.get(self._base_row)
        return {
            "reference": self._rule,
            "base": self._base_row,
            "judges": {judge.name: judge.about for judge in self._judges},
            "sets": about_sets(self._seen_rule),
            "notes": self._notes,
            "rows": {name: judged_row(self._gains[name], None if name == self._base_row else base) for name in names},
        }

    def _open(self, config: ConfigDict, base: ConfigDict, split: str) -> None:
        """Opens one data set for the judges, unless the rows are trained on its pairs."""
        judged = open_judged_set(config, split, self._lists_of(base, config.data.root))
        check_unseen(base, judged.source, config, "The network of --config", run=self._out)
        self._notes += check_weights({self._rule: self._rule_input}, judged.split, judged.source, config)
        self._sets.append(judged)

    def _lists_of(self, base: ConfigDict, root: str) -> Path | None:
        """Where the lists of a data set are kept that the rows are trained on; None for other data."""
        if root == base.data.root:
            return self._out
        for (_, own, *_), place in zip(base.data.mix, kept_places(base.data), strict=True):
            if own and Path(own).resolve() == Path(root).resolve():
                return self._out / place
        return None

    def _sets_of(self, texts: Sequence[str], base: ConfigDict) -> list[PairSet]:
        """The sets of --appearance, unless the rows are trained on their pairs."""
        if JUDGED in texts and not self._sets:
            raise InputError(
                f"--appearance={JUDGED} needs the sets of --judge; expected --judge=FILE.onnx, or folders."
            )
        own = [set_of_source(judged.source, f"{judged.name}/{judged.split}") for judged in self._sets]
        sets = own if JUDGED in texts else []
        for text in texts:
            if text != JUDGED:
                opened = open_pair_set(text, lambda root: self._lists_of(base, root))
                who = f"--appearance={text}: the network of --config"
                check_unseen(base, opened.source, opened.config, who, run=self._out)
                sets = [*sets, opened.pairs]
        refuse_twice("appearance", [pairs.name for pairs in sets])
        return sets


def _rule(text: str) -> tuple[str, Input]:
    """The name and the kind of image of --reference."""
    try:
        [(name, kind)] = named_inputs([text], None, judged=True).items()
    except InputError as error:
        raise InputError(str(error).replace("--inputs has", "--reference is")) from error
    return name, kind
