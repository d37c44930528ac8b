"""Writes the page that fuses in the browser, for any static host: python docs/build_browser.py --out=FOLDER

The folder receives the files of docs/browser, the network as an ONNX file, and onnxruntime-web. npm fetches
onnxruntime-web, one version of it, whose hash is checked. The package is then kept in the folder for cached files.
"""

import argparse
import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from bilevel_jax.atomic import replacing
from bilevel_jax.cache_folder import cache_folder
from bilevel_jax.errors import InputError, run_command
from bilevel_jax.inference import Fuser
from bilevel_jax.inference.pretrained import DEFAULT
from bilevel_jax.serving import OnnxFuser
from bilevel_jax.serving.onnx_export import load_export
from bilevel_jax.serving.onnx_fuser import INPUTS

SOURCES = Path(__file__).with_name("browser")
PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
# As `npm view onnxruntime-web@VERSION dist.integrity` prints it.
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# Every host serves names in .js as JavaScript; some do not know .mjs.
MEMBERS = {
    "package/dist/ort.wasm.bundle.min.mjs": "onnxruntime_web.js",
    "package/dist/ort-wasm-simd-threaded.wasm": "onnxruntime_web.wasm",
}
MODEL = "fuser.onnx"
SECONDS = 300  # that npm may take


class PageUnavailableError(InputError):
    """This machine cannot make the page: it lacks npm, the network or a package."""


def write_page(folder: Path, model: Path | None = None) -> None:
    """Writes the page whole or not at all; a page that is there is replaced.

    Args:
        folder: it receives the page. It is new, empty or holds such a page.
        model: file that `convert.py onnx` wrote for uint8 images; None = the package's network is exported.

    Raises:
        PageUnavailableError: npm, the network or the package onnx is missing.
        InputError: what npm fetched is not the version that was asked for, the model is no such file, or the folder
            holds something else.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MODEL).exists():
        raise InputError(f"{folder} holds other files; expected a new or an empty folder.")
    runtime = runtime_package()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
        made = Path(temporary) / "page"
        shutil.copytree(SOURCES, made)
        with tarfile.open(fileobj=io.BytesIO(runtime)) as archive:
            for member, name in MEMBERS.items():
                (made / name).write_bytes(archive.extractfile(member).read())
        write_model(made / MODEL, model)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def write_page_and_link(folder: Path) -> None:
    """Writes the page in FOLDER/beside/browser, and FOLDER/browser_link.md: a link, or why there is no page."""
    page = folder / "beside" / "browser"
    try:
        write_page(page)
        link = '<a href="browser/index.html">The page is on this site</a>, with the network of the package.'
    except PageUnavailableError as error:
        shutil.rmtree(page, ignore_errors=True)
        page.parent.mkdir(parents=True, exist_ok=True)
        link = f"This copy of the site was built without the page: {error}"
        print(f"The site is built without the page that fuses in the browser: {error}")
    (folder / "browser_link.md").write_text(f"{link}\n", encoding="utf-8")


def write_model(path: Path, model: Path | None) -> None:
    """Writes the network with the gain of the infrared image as an input that cannot be left out.

    onnxruntime-web refuses a value for an input that has a default.
    """
    try:
        export_onnx = load_export()
    except InputError as error:
        raise PageUnavailableError(str(error)) from error
    import onnx

    if model is None:
        export_onnx(Fuser.pretrained(), path, metadata={"weights": DEFAULT})
    elif OnnxFuser(model).dtype != "uint8":
        raise InputError(f"{model} takes {OnnxFuser(model).dtype} images; expected a file for uint8.")
    graph = onnx.load(path if model is None else model)
    for default in [one for one in graph.graph.initializer if one.name == INPUTS[2]]:
        graph.graph.initializer.remove(default)
    path.write_bytes(graph.SerializeToString())


def cached_package() -> Path:
    """Returns the place of onnxruntime-web's package; it need not be there."""
    return cache_folder() / f"{PACKAGE}-{VERSION}.tgz"


def runtime_package() -> bytes:
    """Returns onnxruntime-web as npm packs it, from the cache or else from npm."""
    cached = cached_package()
    if cached.is_file():
        content = cached.read_bytes()
        if integrity(content) == INTEGRITY:
            return content
    content = fetched_package()
    found = integrity(content)
    if found != INTEGRITY:
        raise InputError(f"npm fetched {PACKAGE} {VERSION} with the hash {found}; expected {INTEGRITY}.")
    with replacing(cached) as temporary:
        temporary.write_bytes(content)
    return content


def fetched_package() -> bytes:
    """Returns what `npm pack` fetches; without the network it gives up after one more try."""
    npm = shutil.which("npm")
    if npm is None:
        raise PageUnavailableError(f"npm is missing, which fetches {PACKAGE} {VERSION}.")
    with tempfile.TemporaryDirectory() as folder:
        options = [f"--pack-destination={folder}", "--ignore-scripts", "--fetch-retries=1"]
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", *options]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            raise PageUnavailableError(f"npm cannot fetch {PACKAGE} {VERSION} ({npm_error(error)}).") from error
        return next(Path(folder).glob("*.tgz")).read_bytes()


def npm_error(error: Exception) -> str:
    """The first line in which npm says what failed."""
    output = getattr(error, "stderr", None) or b""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.startswith("npm error")]
    return lines[0] if lines else type(error).__name__


def integrity(content: bytes) -> str:
    """The hash of a package as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that receives the page")
    parser.add_argument("--model", type=Path, help="file of convert.py onnx (default: the package's network)")
    options = parser.parse_args(argv[1:])
    write_page(options.out, options.model)
    print(f"The page is in {options.out}; see it with: python -m http.server --directory={options.out}")


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv))
