// The default material's fragment stage: metallic-roughness shading of directional lights with one
// filtered shadow map, and of an environment, or a sky-and-ground ambient without one. Linear light in and out.
//
// Diffuse: Lambert. Specular: GGX with height-correlated Smith visibility (Heitz 2014), stretched
// along the tangent map's direction by `anisotropy` (Burley 2012), Schlick's Fresnel.
//
// Back faces, which are drawn of double-sided materials, are shaded as seen from behind.
#version 450

#include "../shader/frame.glsl"
#include "../shader/environment.glsl"

struct Material {
    uint layers[8];     // array layer of each texture of set 1, by its binding
    vec4 baseColor;
    float roughness;    // factors of the roughness map: R occlusion, G roughness, B metallic
    float metallic;
    float normalScale;
    float anisotropy;   // -1 to 1, along the tangent map's direction
    vec3 emissive;      // factor of the emissive map, in the unit of the scene's light
    float occlusionStrength;
    float alphaCutoff;
    uint filled;        // a bit for each texture that the material has, by its binding
};
layout(set = 0, binding = 3, std430) readonly buffer Materials { Material row[]; } materials;
layout(set = 0, binding = 4) uniform sampler2DShadow shadowMap;
layout(set = 0, binding = 5) uniform samplerCube environment;

layout(set = 1, binding = 0) uniform sampler2DArray albedo;
layout(set = 1, binding = 1) uniform sampler2DArray normal;
layout(set = 1, binding = 2) uniform sampler2DArray tangent;
layout(set = 1, binding = 3) uniform sampler2DArray roughness;
layout(set = 1, binding = 4) uniform sampler2DArray emissive;
layout(set = 1, binding = 5) uniform sampler2DArray occlusion; // R; without it that of the roughness map

// What the pipeline is made for: see docs/scenes.md.
layout(constant_id = 0) const uint alphaMode = 0u; // 0: opaque, 1: mask, 2: blend
layout(constant_id = 1) const bool alphaToCoverage = false;
layout(constant_id = 2) const bool hasTangents = false;
const uint MASK = 1u, BLEND = 2u;
const uint OCCLUSION = 1u << 5;

layout(location = 0) in vec3 position;
layout(location = 1) in vec3 geometricNormal;
layout(location = 2) in vec4 uvAlbedoNormal;
layout(location = 3) in vec4 uvTangentRoughness;
layout(location = 4) flat in uint material;
layout(location = 5) in vec4 uvEmissiveOcclusion;
layout(location = 6) in vec4 surfaceTangent;

layout(location = 0) out vec4 colour;

const float PI = 3.14159265;

// The tangent frame of the surface from the change of position and uv over the pixel's neighbours.
// Its second axis points up in the texture, against v, as normal maps have it.
mat3 tangentFrame(vec3 n, vec2 uv) {
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

// The alpha of a masked surface: 0 or 1, and between them over the width of a pixel where samples are covered by it
// (Golus, "Anti-aliased Alpha Test: The Esoteric Alpha To Coverage", 2017).
float masked(float alpha, float cutoff) {
    if (alphaToCoverage)
        return clamp((alpha - cutoff) / max(fwidth(alpha), 1e-4) + 0.5, 0.0, 1.0);
    return alpha < cutoff ? 0.0 : 1.0;
}

// How much of the first light reaches the surface: 3 x 3 bilinear comparisons around the point, moved
// off the surface by a texel or so where the light grazes it. Shadows fade at the border of the map.
float lit(vec3 geometric, float cosine) {
    vec3 moved = position + geometric * frame.shadow.x * (0.6 + 2.4 * (1.0 - cosine));
    vec4 clip = frame.lightViewProjection * vec4(moved, 1.0);
    vec3 point = vec3(clip.xy * 0.5 + 0.5, max(clip.z, 0.0));
    if (any(lessThan(point.xy, vec2(0.0))) || any(greaterThan(point.xy, vec2(1.0))))
        return 1.0;
    float sum = 0.0;
    for (int y = -1; y <= 1; ++y)
        for (int x = -1; x <= 1; ++x)
            sum += texture(shadowMap, vec3(point.xy + vec2(x, y) * frame.shadow.y, point.z));
    vec2 border = (1.0 - abs(clip.xy)) * frame.shadow.w;
    return mix(1.0, sum / 9.0, clamp(min(border.x, border.y), 0.0, 1.0));
}

void main() {
    Material m = materials.row[material];
    vec3 geometric = normalize(geometricNormal);
    mat3 tbn = hasTangents ? givenFrame(geometric) : tangentFrame(geometric, uvAlbedoNormal.zw);
    if (!gl_FrontFacing) {
        geometric = -geometric;
        tbn = -tbn;
    }

    vec4 base = texture(albedo, vec3(uvAlbedoNormal.xy, m.layers[0])) * m.baseColor;
    float cover = alphaMode == MASK ? masked(base.a, m.alphaCutoff) : alphaMode == BLEND ? base.a : 1.0;
    vec3 bump = texture(normal, vec3(uvAlbedoNormal.zw, m.layers[1])).xyz * 2.0 - 1.0;
    vec3 grain = texture(tangent, vec3(uvTangentRoughness.xy, m.layers[2])).xyz * 2.0 - 1.0;
    vec3 arm = texture(roughness, vec3(uvTangentRoughness.zw, m.layers[3])).rgb;

    bump.xy *= m.normalScale;
    vec3 n = normalize(tbn * bump);
    vec3 v = normalize(frame.cameraPosition.xyz - position);
    float nv = max(dot(n, v), 1e-3);
    vec3 mirrored = reflect(-v, n);
    float spread = max(length(dFdx(mirrored)), length(dFdy(mirrored)));
    float open = arm.r;
    if ((m.filled & OCCLUSION) != 0u)
        open = texture(occlusion, vec3(uvEmissiveOcclusion.zw, m.layers[5])).r;
    open = mix(1.0, open, m.occlusionStrength);
    vec3 emitted = vec3(0.0);
    if (m.emissive != vec3(0.0))
        emitted = m.emissive * texture(emissive, vec3(uvEmissiveOcclusion.xy, m.layers[4])).rgb;
    if (alphaMode == MASK && cover == 0.0)
        discard;

    float rough = clamp(arm.g * m.roughness, 0.045, 1.0);
    float metal = clamp(arm.b * m.metallic, 0.0, 1.0);
    vec3 f0 = mix(vec3(0.04), base.rgb, metal);
    vec3 diffuse = base.rgb * (1.0 - metal);

    vec3 t = tbn * grain;
    t -= n * dot(n, t);
    t = dot(t, t) > 1e-4 ? normalize(t) : normalize(cross(n, abs(n.y) < 0.9 ? vec3(0, 1, 0) : vec3(1, 0, 0)));
    vec3 b = cross(n, t);
    float alpha = rough * rough;
    float at = max(alpha * (1.0 + m.anisotropy), 1e-3), ab = max(alpha * (1.0 - m.anisotropy), 1e-3);
    vec3 viewLocal = vec3(at * dot(t, v), ab * dot(b, v), nv);

    vec3 sum = vec3(0.0);
    int lights = int(frame.shadow.z);
    for (int i = 0; i < lights; ++i) {
        vec3 l = frame.lightDirection[i].xyz;
        float facing = dot(geometric, l);
        float nl = dot(n, l);
        if (nl <= 0.0 || facing <= 0.0)
            continue;
        vec3 h = normalize(l + v);
        vec3 halfLocal = vec3(dot(t, h) / at, dot(b, h) / ab, dot(n, h));
        float squared = dot(halfLocal, halfLocal);
        float distribution = 1.0 / (PI * at * ab * squared * squared);
        vec3 lightLocal = vec3(at * dot(t, l), ab * dot(b, l), nl);
        float visibility = 0.5 / max(nl * length(viewLocal) + nv * length(lightLocal), 1e-4);
        vec3 fresnel = f0 + (1.0 - f0) * pow(1.0 - max(dot(v, h), 0.0), 5.0);
        vec3 brdf = diffuse / PI * (1.0 - fresnel) + fresnel * distribution * visibility;
        float shade = i == 0 ? lit(geometric, facing) : 1.0;
        sum += brdf * frame.lightColor[i].rgb * nl * shade;
    }

    vec3 ambient;
    if (frame.environment.w > 0.0) {
        ambient = fromEnvironment(environment, n, nv, mirrored, spread, f0, diffuse, rough);
    } else {
        vec3 around = mix(frame.groundAmbient.rgb, frame.skyAmbient.rgb, n.y * 0.5 + 0.5);
        vec3 above = mix(frame.groundAmbient.rgb, frame.skyAmbient.rgb, mirrored.y * 0.5 + 0.5);
        vec3 edge = f0 + (max(vec3(1.0 - rough), f0) - f0) * pow(1.0 - nv, 5.0);
        ambient = diffuse * around + edge * above;
    }
    sum += ambient * open + emitted;

    colour = vec4(alphaMode == BLEND ? sum * cover : sum, cover); // multiplied by its coverage
}
