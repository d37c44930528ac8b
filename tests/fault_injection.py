"""Kills a run again and again, and looks whether it ends as one that was never touched.

    python tests/fault_injection.py [--seed=0] [--kills=8] [--steps=60] [--config=experiments/configs/smoke.py] [--best]

The same training twice: straight, and killed at random moments (SIGKILL and SIGTERM, some as soon as a checkpoint is
being written) and started again. Both have to leave the same parameters, optimizer states and metrics.jsonl, bit for
bit, `time/*` aside; and metrics.jsonl every step once. With --best both measure held-out pairs every third step and
keep the best checkpoint, which has to be the same one too. Exit code 0 if so, 1 with what differs if not.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bilevel_jax.checkpoints.compare import differences

ROOT = Path(__file__).parents[1]
RESUME, SAVE_EVERY = 75, 5


def command(options: argparse.Namespace, workdir: Path) -> list[str]:
    line = [
        sys.executable,
        str(ROOT / "experiments" / "train.py"),
        f"--config={options.config}",
        f"--workdir={workdir}",
    ]
    warm = options.steps // 4
    line += [f"--config.warm_start.steps={warm}", f"--config.steps={options.steps - warm}", "--config.rows.steps=0"]
    if options.best:
        line += ["--config.keep_best=VIF", "--config.validate_every=3", "--config.validate_pairs=2"]
    return line + [f"--config.checkpoint_every={SAVE_EVERY}", "--config.sheet_every=0", "--config.keep_checkpoints=3"]


def finish(line: list[str]) -> None:
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"the run ended with {done.returncode}:\n{done.stderr[-2000:]}")


def steps_written(workdir: Path) -> int:
    path = workdir / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def being_saved(workdir: Path) -> bool:
    return any("tmp" in path.name for path in (workdir / "checkpoints").glob("*"))


def kill_once(line: list[str], workdir: Path, rng: random.Random) -> str:
    """Starts the run and kills it some steps on, or in the next save; says how. "" where it ended before."""
    number, in_a_save = rng.choice([signal.SIGKILL, signal.SIGTERM]), rng.random() < 0.4
    before, further = steps_written(workdir), rng.randint(1, 2 * SAVE_EVERY)
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        # A resumed run first takes back what came after its checkpoint: wait until it writes again.
        now = steps_written(workdir)
        before = min(before, now)
        if being_saved(workdir) if in_a_save else now >= before + further:
            time.sleep(rng.random() * 0.02)
            process.send_signal(number)
            code = process.wait(timeout=300)
            if code not in (-number, RESUME, 0):
                raise SystemExit(f"after {number.name} the run ended with {code}, expected {-number} or {RESUME}")
            return (
                f"{number.name}{' in a save' if in_a_save else ''} at step {steps_written(workdir)}, exit code {code}"
            )
        time.sleep(0.002)
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--config", default=str(ROOT / "experiments" / "configs" / "smoke.py"))
    parser.add_argument("--best", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        straight, killed = Path(folder) / "straight", Path(folder) / "killed"
        finish(command(options, straight))
        for kill in range(options.kills):
            how = kill_once(command(options, killed), killed, rng)
            print(f"kill {kill + 1}: {how or 'the run had ended'}", flush=True)
            if not how:
                break
        finish(command(options, killed))
        found = differences(straight, killed, ["newest", "best"] if options.best else ["newest"])
    print("the same, bit for bit" if not found else f"these differ: {', '.join(found)}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
