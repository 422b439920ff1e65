#pragma once

// Tangent frames of surfaces. Include it after the inputs `position` and `surfaceTangent`.

// Whether these are points or lines: without tangents no normal map is for them (glTF 2.0, 3.9.7).
layout(constant_id = 12) const bool lacksFaces = false;

// The tangent frame of the surface from the change of position and uv over the pixel's neighbours.
// Its second axis points up in the texture, against v, as normal maps have it.
// Over a line the neighbours' positions differ along it alone, so that nothing but rounding would be left of the axes.
mat3 tangentFrame(vec3 n, vec2 uv) {
    if (lacksFaces)
        return mat3(vec3(0.0), vec3(0.0), n);
    vec3 dpx = dFdx(position), dpy = dFdy(position);
    vec2 dux = dFdx(uv), duy = dFdy(uv);
    vec3 across = cross(dpy, n), along = cross(n, dpx);
    vec3 t = across * dux.x + along * duy.x;
    vec3 b = across * dux.y + along * duy.y;
    float longest = max(max(dot(t, t), dot(b, b)), 1e-20);
    float scale = inversesqrt(longest) * sign(dot(cross(dpx, dpy), n));
    return mat3(t * scale, -b * scale, n);
}

// The tangent frame of the mesh's own tangents, which are neither normalized nor turned upright after
// interpolation, as those who baked the normal map had them (Mikkelsen, "Simulation of Wrinkled Surfaces
// Revisited", 2008).
mat3 givenFrame(vec3 n) {
    return mat3(surfaceTangent.xyz, sign(surfaceTangent.w) * cross(n, surfaceTangent.xyz), n);
}
