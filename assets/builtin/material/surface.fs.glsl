// The fragment stage of the default and the full material: metallic-roughness shading of all lights with their filtered
// shadow maps, and of an environment, or a sky-and-ground ambient without one. Linear light in and out.
//
// Diffuse: Lambert. Specular: GGX with height-correlated Smith visibility (Heitz 2014), stretched
// along the tangent map's direction by `anisotropy` (Burley 2012), Schlick's Fresnel.
//
// Back faces, which are drawn of double-sided materials, are shaded as seen from behind. Points and lines of a mesh
// without normals send out their base colour and what they emit, as glTF 2.0 has it (3.9.7): no light falls on them.
//
// With FULL_MATERIAL also what the glTF extensions KHR_materials_ior, _specular, _clearcoat and _unlit say. The default
// material stays without: it binds six textures and reads 13 attributes, and its module is as small as before.

#include "../shader/air.glsl"
#include "../shader/coverage.glsl"
#include "../shader/frame.glsl"
#include "../shader/environment.glsl"
#include "../shader/lights.glsl"
#include "../shader/mask.glsl"
#include "../shader/normalMap.glsl"
#include "../shader/quad.glsl"

struct Material {
#ifdef FULL_MATERIAL
    uint layers[12];
#else
    uint layers[8];     // array layer of each texture of set 1, by its binding
#endif
    vec4 baseColor;
    float roughness;    // factors of the roughness map: R occlusion, G roughness, B metallic
    float metallic;
    float normalScale;
    float anisotropy;   // -1 to 1, along the tangent map's direction
    vec3 emissive;      // factor of the emissive map, in the unit of the scene's light
    float occlusionStrength;
    float alphaCutoff;
    uint filled;        // a bit for each texture that the material has, by its binding
#ifdef FULL_MATERIAL
    float ior;          // of what is not metal; 0: it reflects all
    float specular;     // how much of the light that it would reflect it does, and in which colour
    vec3 specularColor;
    float clearcoat;    // part of the surface that has a clear coat
    float clearcoatRoughness;
    float clearcoatNormalScale;
#endif
};
layout(set = 0, binding = 3, std430) readonly buffer Materials { Material row[]; } materials;
layout(set = 0, binding = 5) uniform samplerCube environment;

layout(set = 1, binding = 0) uniform sampler2DArray albedo;
layout(set = 1, binding = 1) uniform sampler2DArray normal;
layout(set = 1, binding = 2) uniform sampler2DArray tangent;
layout(set = 1, binding = 3) uniform sampler2DArray roughness;
layout(set = 1, binding = 4) uniform sampler2DArray emissive;
layout(set = 1, binding = 5) uniform sampler2DArray occlusion; // R; without it that of the roughness map
#ifdef FULL_MATERIAL
layout(set = 1, binding = 6) uniform sampler2DArray clearcoat;          // R
layout(set = 1, binding = 7) uniform sampler2DArray clearcoatRoughness; // G
layout(set = 1, binding = 8) uniform sampler2DArray clearcoatNormal;
layout(set = 1, binding = 9) uniform sampler2DArray specular;           // A
layout(set = 1, binding = 10) uniform sampler2DArray specularColor;
#endif

// What the pipeline is made for: see docs/scenes.md.
layout(constant_id = 0) const uint alphaMode = 0u; // 0: opaque, 1: mask, 2: blend
layout(constant_id = 1) const bool alphaToCoverage = false;
layout(constant_id = 2) const bool hasTangents = false;
layout(constant_id = 11) const bool lacksNormals = false;
layout(constant_id = 19) const bool hasEnvironment = false;
#ifdef FULL_MATERIAL
layout(constant_id = 3) const bool hasColors = false;
layout(constant_id = 4) const bool isUnlit = false;
layout(constant_id = 5) const bool hasClearcoat = false;
layout(constant_id = 6) const bool hasSpecular = false;
const uint CLEARCOAT_NORMAL = 1u << 8;
#endif
const uint MASK = 1u, BLEND = 2u;
const uint OCCLUSION = 1u << 5;

layout(location = 0) out vec4 colour;

const float PI = 3.14159265;

#include "../shader/surfaceInputs.glsl"
#include "../shader/tangentFrame.glsl"

// The alpha of a masked surface: 0 or 1, and between them over the width of a pixel, in which its alpha changes by `change`,
// where samples are covered by it (Golus, "Anti-aliased Alpha Test: The Esoteric Alpha To Coverage", 2017).
float masked(float alpha, float cutoff, float change) {
    if (change <= ALPHA_SLACK || cutoff == 0.0)
        return isCovered(alpha, cutoff) ? 1.0 : 0.0;
    return clamp((alpha - cutoff) / change + 0.5, 0.0, 1.0);
}

// The alpha of the surface at a place of its picture.
float alphaAt(Material m, vec2 uv, vec2 right, vec2 down, float ofVertex) {
    return textureGrad(albedo, vec3(uv, m.layers[0]), right, down).a * m.baseColor.a * ofVertex;
}

// By how much alpha changes within a pixel: as fwidth, but without what the neighbours read of their materials, as those
// outside of the triangle may read zeros.
float changeOfAlpha(Material m, float alpha, vec2 uv) {
    vec2 right = dFdx(uvAlbedoNormal.xy), down = dFdy(uvAlbedoNormal.xy);
#ifdef FULL_MATERIAL
    float ofVertex = hasColors ? vertexColor.a : 1.0, ofRight = ofVertex + dFdx(ofVertex), ofDown = ofVertex + dFdy(ofVertex);
#else
    float ofRight = 1.0, ofDown = 1.0;
#endif
    return abs(alphaAt(m, uv + right, right, down, ofRight) - alpha) + abs(alphaAt(m, uv + down, right, down, ofDown) - alpha);
}

// What a picture of the material has at a place. Mip levels are those of the coordinates as they are interpolated: `at` is
// moved in one pixel and not in the next.
#define PICTURE(picture, at, interpolated, number) (isSampled() \
    ? textureGrad(picture, vec3(at, m.layers[number]), dFdx(interpolated), dFdy(interpolated)) \
    : texture(picture, vec3(at, m.layers[number])))

// A surface at a point: what it reflects, and its tangent frame.
struct Surface {
    vec3 geometric, n, t, b, v;
    vec3 shaded, face;      // where shadows are looked up, and the normal of the triangle
    float nv, at, ab;
    vec3 viewLocal, f0, diffuse;
#ifdef FULL_MATERIAL
    vec3 dielectric;        // what of it is not metal reflects at normal incidence
    float edge, dielectricEdge; // what the surface, and that part of it, reflects at grazing angles
    vec3 coatNormal;
    float coatNv, coatAlpha;
    float coat;             // the part of the light that its clear coat reflects
#endif
};

#ifdef FULL_MATERIAL
float largest(vec3 color) {
    return max(max(color.r, color.g), color.b);
}
#endif

// The light that a surface sends to the eye, of `light` lux from a direction.
vec3 reflected(Surface s, vec3 l, float nl, vec3 light) {
    vec3 h = normalize(l + s.v);
    vec3 halfLocal = vec3(dot(s.t, h) / s.at, dot(s.b, h) / s.ab, dot(s.n, h));
    float squared = dot(halfLocal, halfLocal);
    float distribution = 1.0 / (PI * s.at * s.ab * squared * squared);
    vec3 lightLocal = vec3(s.at * dot(s.t, l), s.ab * dot(s.b, l), nl);
    float visibility = 0.5 / max(nl * length(s.viewLocal) + s.nv * length(lightLocal), 1e-4);
#ifdef FULL_MATERIAL
    float grazing = pow(1.0 - max(dot(s.v, h), 0.0), 5.0);
    vec3 fresnel = s.f0 + (s.edge - s.f0) * grazing;
    vec3 passed = 1.0 - fresnel;
    if (hasSpecular)
        passed = vec3(1.0 - largest(s.dielectric + (s.dielectricEdge - s.dielectric) * grazing));
    vec3 brdf = s.diffuse / PI * passed + fresnel * distribution * visibility;
#else
    vec3 fresnel = s.f0 + (1.0 - s.f0) * pow(1.0 - max(dot(s.v, h), 0.0), 5.0);
    vec3 brdf = s.diffuse / PI * (1.0 - fresnel) + fresnel * distribution * visibility;
#endif
    return brdf * light * nl;
}

#ifdef FULL_MATERIAL
// What the clear coat of a surface would send to the eye if it reflected all: GGX as above, alike in all directions. The
// square of the sine by a cross product is exact where the lobe is narrow.
vec3 reflectedByCoat(Surface s, vec3 l, float nl, vec3 light) {
    vec3 h = normalize(l + s.v), across = cross(s.coatNormal, h);
    float squared = s.coatAlpha * s.coatAlpha, nh = max(dot(s.coatNormal, h), 0.0);
    float width = dot(across, across) + squared * nh * nh;
    float distribution = squared / (PI * width * width);
    float shadowed = nl * sqrt(s.coatNv * s.coatNv * (1.0 - squared) + squared);
    float hidden = s.coatNv * sqrt(nl * nl * (1.0 - squared) + squared);
    return light * (nl * distribution * 0.5 / max(shadowed + hidden, 1e-4));
}
#endif

// The light that a surface sends to the eye, of a light with its shadow.
vec3 reflected(Surface s, Light light, uint number) {
    vec3 l, strength = lightAt(light, position, l);
    float facing = dot(s.geometric, l), nl = dot(s.n, l);
#ifdef FULL_MATERIAL
    float coatNl = hasClearcoat ? max(dot(s.coatNormal, l), 0.0) : 0.0;
    if (max(nl, coatNl) <= 0.0 || facing <= 0.0 || strength == vec3(0.0))
        return vec3(0.0);
#else
    if (nl <= 0.0 || facing <= 0.0 || strength == vec3(0.0))
        return vec3(0.0);
#endif
    float shade = 1.0, grazing = min(facing, max(dot(s.face, l), 0.0));
    if (light.kind == 0u)
        shade = hasShadowMap && number == 0u && frame.shadow.x > 0.0 ? litByCascades(s.shaded, s.geometric, grazing) : 1.0;
    else if (hasLocalShadows && light.shadow >= 0)
        shade = litLocally(light, s.shaded, s.geometric, s.face, grazing);
#ifdef FULL_MATERIAL
    vec3 sum = reflected(s, l, max(nl, 0.0), strength);
    if (hasClearcoat)
        sum = mix(sum, reflectedByCoat(s, l, coatNl, strength), s.coat);
    return sum * shade;
#else
    return reflected(s, l, nl, strength) * shade;
#endif
}

// What is drawn of light from a surface that covers so much: multiplied by its coverage. What blends is in no depth that a
// pass could follow, so the air before it is drawn with it.
vec4 drawn(vec3 light, float cover) {
    return alphaMode == BLEND ? throughAir(vec4(light * cover, cover), metresAt(gl_FragCoord.z)) : vec4(light, cover);
}

void main() {
    Material m = materials.row[material];
    // Reflections change from pixel to pixel with what the neighbours, too, take from their material.
    vec4 ofNormals = ofQuad(vec4(m.layers[1], m.normalScale, 0.0, 0.0));
    m.layers[1] = uint(ofNormals.x);
    m.normalScale = ofNormals.y;
#ifdef FULL_MATERIAL
    if (hasClearcoat) {
        vec4 ofCoat = ofQuad(vec4(m.layers[8], m.clearcoatNormalScale, m.filled, 0.0));
        m.layers[8] = uint(ofCoat.x);
        m.clearcoatNormalScale = ofCoat.y;
        m.filled = uint(ofCoat.z);
    }
#endif
    // Inputs where the triangle is: beyond its edge a picture of several parts has another one, and normals go on.
    vec3 place = position, normalThere = geometricNormal;
    vec4 atAlbedoNormal = uvAlbedoNormal, atTangentRoughness = uvTangentRoughness, atEmissiveOcclusion = uvEmissiveOcclusion;
#ifdef FULL_MATERIAL
    vec4 ofVertex = vertexColor, atClearcoat = uvClearcoat, atSpecular = uvSpecular;
    vec2 atClearcoatNormal = uvClearcoatNormal;
#endif
    if (isSampled()) {
        vec2 middle = coveredMiddle();
        place = whereCovered(place, middle);
        normalThere = whereCovered(normalThere, middle);
        atAlbedoNormal = whereCovered(atAlbedoNormal, middle);
        atTangentRoughness = whereCovered(atTangentRoughness, middle);
        atEmissiveOcclusion = whereCovered(atEmissiveOcclusion, middle);
#ifdef FULL_MATERIAL
        ofVertex = whereCovered(ofVertex, middle);
        atClearcoat = whereCovered(atClearcoat, middle);
        atClearcoatNormal = whereCovered(atClearcoatNormal, middle);
        atSpecular = whereCovered(atSpecular, middle);
#endif
    }
    vec3 geometric = normalize(normalThere);
    mat3 tbn = hasTangents ? givenFrame(geometric) : tangentFrame(geometric, uvAlbedoNormal.zw);
    if (!gl_FrontFacing) {
        geometric = -geometric;
        tbn = -tbn;
    }

    vec4 base = PICTURE(albedo, atAlbedoNormal.xy, uvAlbedoNormal.xy, 0) * m.baseColor;
#ifdef FULL_MATERIAL
    if (hasColors)
        base *= ofVertex;
#endif
    float change = alphaMode == MASK && alphaToCoverage ? changeOfAlpha(m, base.a, atAlbedoNormal.xy) : 0.0;
    float cover = alphaMode == MASK ? masked(base.a, m.alphaCutoff, change) : alphaMode == BLEND ? base.a : 1.0;
#ifdef FULL_MATERIAL
    if (isUnlit) {
        if (alphaMode == MASK && cover == 0.0)
            discard;
        colour = drawn(base.rgb, cover);
        return;
    }
#endif
    if (lacksNormals) {
        vec3 glow = m.emissive * PICTURE(emissive, atEmissiveOcclusion.xy, uvEmissiveOcclusion.xy, 4).rgb;
        if (alphaMode == MASK && cover == 0.0)
            discard;
        colour = drawn(base.rgb + glow, cover);
        return;
    }
    vec3 bump = directionOf(PICTURE(normal, atAlbedoNormal.zw, uvAlbedoNormal.zw, 1).xyz);
    vec3 grain = directionOf(PICTURE(tangent, atTangentRoughness.xy, uvTangentRoughness.xy, 2).xyz);
    vec3 arm = PICTURE(roughness, atTangentRoughness.zw, uvTangentRoughness.zw, 3).rgb;

    bump.xy *= m.normalScale;
    if (lacksFaces && !hasTangents)
        bump = vec3(0.0, 0.0, 1.0);
    vec3 n = normalize(tbn * bump);
    vec3 v = normalize(frame.cameraPosition.xyz - place);
    float nv = clamp(dot(n, v), 1e-3, 1.0);
    vec3 mirrored = reflect(-v, n);
    float spread = max(length(dFdx(mirrored)), length(dFdy(mirrored)));
    float open = arm.r;
    if ((m.filled & OCCLUSION) != 0u)
        open = PICTURE(occlusion, atEmissiveOcclusion.zw, uvEmissiveOcclusion.zw, 5).r;
    open = mix(1.0, open, m.occlusionStrength);
    vec3 emitted = vec3(0.0);
    if (m.emissive != vec3(0.0))
        emitted = m.emissive * PICTURE(emissive, atEmissiveOcclusion.xy, uvEmissiveOcclusion.xy, 4).rgb;
#ifdef FULL_MATERIAL
    vec3 dielectric = vec3(0.04);
    float dielectricEdge = 1.0;
    if (hasSpecular) { // KHR_materials_ior and _specular
        float bend = (m.ior - 1.0) / (m.ior + 1.0);
        vec3 tint = m.specularColor * PICTURE(specularColor, atSpecular.zw, uvSpecular.zw, 10).rgb;
        dielectricEdge = m.specular * PICTURE(specular, atSpecular.xy, uvSpecular.xy, 9).a;
        dielectric = min(bend * bend * tint, vec3(1.0)) * dielectricEdge;
    }
    float coating = 0.0, coatRough = 0.0;
    vec3 coatNormal = geometric;
    if (hasClearcoat) {
        coating = m.clearcoat * PICTURE(clearcoat, atClearcoat.xy, uvClearcoat.xy, 6).r;
        coatRough = m.clearcoatRoughness * PICTURE(clearcoatRoughness, atClearcoat.zw, uvClearcoat.zw, 7).g;
        coatRough = clamp(coatRough, 0.045, 1.0);
        vec3 slope = directionOf(PICTURE(clearcoatNormal, atClearcoatNormal, uvClearcoatNormal, 8).xyz);
        if ((m.filled & CLEARCOAT_NORMAL) != 0u && (hasTangents || !lacksFaces)) {
            mat3 coatFrame = hasTangents ? tbn : tangentFrame(geometric, uvClearcoatNormal);
            coatNormal = normalize(coatFrame * vec3(slope.xy * m.clearcoatNormalScale, slope.z));
        }
    }
    vec3 coatMirrored = reflect(-v, coatNormal);
    float coatSpread = max(length(dFdx(coatMirrored)), length(dFdy(coatMirrored)));
#endif
    vec3 face = cross(dFdx(position), dFdy(position));
    face *= inversesqrt(max(dot(face, face), 1e-30)) * sign(dot(face, geometric));
    if (lacksFaces)
        face = geometric;
    if (alphaMode == MASK && cover == 0.0)
        discard;

    float rough = clamp(arm.g * m.roughness, 0.045, 1.0);
    float metal = clamp(arm.b * m.metallic, 0.0, 1.0);
#ifdef FULL_MATERIAL
    vec3 f0 = mix(dielectric, base.rgb, metal);
#else
    vec3 f0 = mix(vec3(0.04), base.rgb, metal);
#endif
    vec3 diffuse = base.rgb * (1.0 - metal);

    vec3 t = tbn * grain;
    t -= n * dot(n, t);
    t = dot(t, t) > 1e-4 ? normalize(t) : normalize(cross(n, abs(n.y) < 0.9 ? vec3(0, 1, 0) : vec3(1, 0, 0)));
    vec3 b = cross(n, t);
    float alpha = rough * rough;
    float at = max(alpha * (1.0 + m.anisotropy), 1e-3), ab = max(alpha * (1.0 - m.anisotropy), 1e-3);
    vec3 viewLocal = vec3(at * dot(t, v), ab * dot(b, v), nv);

#ifdef FULL_MATERIAL
    float edgeOfAll = mix(dielectricEdge, 1.0, metal);
    float coatNv = clamp(dot(coatNormal, v), 1e-3, 1.0);
    float coat = coating * (0.04 + 0.96 * pow(1.0 - coatNv, 5.0));
    Surface s = Surface(
        geometric, n, t, b, v, place, face, nv, at, ab, viewLocal, f0, diffuse,
        dielectric, edgeOfAll, dielectricEdge, coatNormal, coatNv, coatRough * coatRough, coat
    );
#else
    Surface s = Surface(geometric, n, t, b, v, place, face, nv, at, ab, viewLocal, f0, diffuse);
#endif
    vec3 sum = vec3(0.0);
    uint directional = frame.lightCounts.x;
    for (uint i = 0u; i < directional; ++i)
        sum += reflected(s, lights.row[i], i);
    if (hasClusters) {
        LightSearch search = lightSearch(gl_FragCoord.xy, position);
        for (uint i; nextLight(search, position, i);)
            sum += reflected(s, lights.row[i], i);
    }

    vec3 ambient;
    if (hasEnvironment && frame.environment.w > 0.0) {
#ifdef FULL_MATERIAL
        if (hasSpecular)
            ambient = fromEnvironment(
                environment, n, nv, mirrored, spread, f0, edgeOfAll, dielectric, dielectricEdge, diffuse, rough
            );
        else
            ambient = fromEnvironment(environment, n, nv, mirrored, spread, f0, diffuse, rough);
        if (hasClearcoat)
            ambient = mix(ambient, reflectedFrom(environment, coatMirrored, coatRough, coatSpread), coat);
#else
        ambient = fromEnvironment(environment, n, nv, mirrored, spread, f0, diffuse, rough);
#endif
    } else {
        vec3 around = mix(frame.groundAmbient.rgb, frame.skyAmbient.rgb, n.y * 0.5 + 0.5);
        vec3 above = mix(frame.groundAmbient.rgb, frame.skyAmbient.rgb, mirrored.y * 0.5 + 0.5);
#ifdef FULL_MATERIAL
        float grazing = pow(1.0 - nv, 5.0);
        vec3 edge = f0 + (max(vec3((1.0 - rough) * edgeOfAll), f0) - f0) * grazing;
        if (hasSpecular) {
            vec3 highest = max(vec3((1.0 - rough) * dielectricEdge), dielectric);
            diffuse *= 1.0 - largest(mix(dielectric, highest, grazing));
        }
        ambient = diffuse * around + edge * above;
        if (hasClearcoat)
            ambient = mix(ambient, mix(frame.groundAmbient.rgb, frame.skyAmbient.rgb, coatMirrored.y * 0.5 + 0.5), coat);
#else
        vec3 edge = f0 + (max(vec3(1.0 - rough), f0) - f0) * pow(1.0 - nv, 5.0);
        ambient = diffuse * around + edge * above;
#endif
    }
#ifdef FULL_MATERIAL
    emitted *= 1.0 - coat;
#endif
    sum += ambient * open + emitted;

    colour = drawn(sum, cover);
}
