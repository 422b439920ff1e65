#!/bin/sh
# Opens a scene: sh tools/cube.sh PYTHON SCENE [viewer options]. Without a display it draws one picture.
set -eu
python=$1
scene=$2
shift 2

mkdir -p build
"$python" -m engine cook "$scene"

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname -s)" = Darwin ]; then
    exec "$python" -m viewer "$scene" "$@"
fi

picture=build/$(basename "$scene" .hu).png
echo "No display here (neither DISPLAY nor WAYLAND_DISPLAY is set): drawing without a window."
"$python" -m viewer "$scene" --headless --screenshot "$picture" "$@"
echo "The picture is $picture"
