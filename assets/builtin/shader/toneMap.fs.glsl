// From the scene's linear light to the picture: exposure, tone curve, and the background where nothing covers it
// and outside the camera's viewport.
// The target encodes to sRGB, in 256 levels: what a curve shows is dithered by half a level, so that smooth surfaces have
// no bands.
#version 450

#include "dither.glsl"
#include "toneCurves.glsl"

layout(set = 0, binding = 0, std140) uniform Frame {
    vec4 viewport;    // left, top, width and height of what the camera shows, in parts of the picture
    vec4 background;  // rgb: linear, as it is shown
    float exposure;   // factor on all light
    int toneMapping;  // the index of a choice of camera.toneMapping
} frame;
layout(set = 0, binding = 1) uniform sampler2D sceneColor;

layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;

void main() {
    vec4 scene = texture(sceneColor, uv);
    if (any(isnan(scene))) // of a shader, or a driver: Mesa 25 samples it where anisotropy meets no change of uv
        scene = vec4(0.0, 0.0, 0.0, 1.0);
    vec2 at = (uv - frame.viewport.xy) / frame.viewport.zw;
    if (any(lessThan(at, vec2(0.0))) || any(greaterThan(at, vec2(1.0))))
        scene = vec4(0.0);
    float coverage = clamp(scene.a, 0.0, 1.0);
    vec3 light = max(scene.rgb, 0.0) * frame.exposure;
    // The sum is 0 more than the uniform, which must not decide alone: of a stage that it leaves less than half of, Mesa 22
    // compiles another one in every frame, and keeps 770 KiB of each.
    int curve = frame.toneMapping + min(int(coverage), 0);
    vec3 mapped = clamp(shown(light, curve), 0.0, 1.0) + (1.0 - coverage) * frame.background.rgb;
    if (curve != NONE)
        mapped += coverage * dither(mapped, gl_FragCoord.xy);
    colour = vec4(mapped, 1.0);
}
