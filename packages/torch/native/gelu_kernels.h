// GELU over a vector type. Included in an anonymous namespace after `vector8.h` or `vector16.h`; hence no `#pragma once` and no
// includes here.

// (1 + erf(x / sqrt 2)) / 2, to 3e-7: erf as Eigen has it, odd polynomial over even polynomial within 4.
inline Vector probability(Vector x) {
  const Vector z = largest(same(-4), smallest(same(4), multiply(x, same(0.70710678F))));
  const Vector square = multiply(z, z);
  Vector above = same(-2.72614225801306e-10F);
  for (const float k : {2.77068142495902e-08F, -2.10102402082508e-06F, -5.69250639462346e-05F, -7.34990630326855e-04F, -2.95459980854025e-03F,
                        -1.60960333262415e-02F}) {
    above = multiplyAdd(above, square, same(k));
  }
  Vector below = same(-1.45660718464996e-05F);
  for (const float k : {-2.13374055278905e-04F, -1.68282697438203e-03F, -7.37332916720468e-03F, -1.42647390514189e-02F}) {
    below = multiplyAdd(below, square, same(k));
  }
  const Vector half = same(0.5F);
  return multiplyAdd(divide(multiply(z, above), below), half, half);
}

// NaN stays.
inline Vector gelu(Vector x) { return multiply(x, probability(x)); }
