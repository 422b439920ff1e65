"""Agreement with glTF's own validator, where node and its package are: which of our files are valid.

`npm i gltf-validator` in build/gltf-validator installs the package.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.gltf_features import FEATURES

pytestmark = pytest.mark.proof

SCRIPT = """
const fs = require('fs'), validator = require('gltf-validator');
(async () => {
  const found = {};
  for (const name of process.argv.slice(1)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(name)));
    found[name] = report.issues.messages.filter(each => each.severity === 0);
  }
  console.log(JSON.stringify(found));
})();
"""


def test_the_validator_has_no_error_for_our_files(root: Path, tmp_path: Path) -> None:
    modules = root / "build" / "gltf-validator" / "node_modules"
    node = shutil.which("node")
    if node is None or not (modules / "gltf-validator").is_dir():
        pytest.skip("node or build/gltf-validator/node_modules/gltf-validator is not there")
    paths = {name: make().write(tmp_path / f"{name}.glb") for name, make in FEATURES.items()}
    done = subprocess.run(
        [node, "-e", SCRIPT, *map(str, paths.values())],
        env=os.environ | {"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
    )
    errors = {Path(name).stem: issues for name, issues in json.loads(done.stdout).items() if issues}
    assert errors == {}
