// Where a surface with holes is: where its alpha reaches the cutoff, up to the rounding of what is interpolated.
#pragma once

const float ALPHA_SLACK = 1e-4;

bool isCovered(float alpha, float cutoff) {
    return alpha >= cutoff - ALPHA_SLACK;
}
