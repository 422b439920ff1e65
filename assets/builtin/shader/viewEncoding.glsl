#pragma once

// The linear colour that a picture in sRGB stores as these parts of 255.
vec3 storedAs(vec3 parts) {
    return mix(parts / 12.92, pow((parts + 0.055) / 1.055, vec3(2.4)), greaterThan(parts, vec3(0.04045)));
}
