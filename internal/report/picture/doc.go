// Package picture draws pictures for pages as SVG in HTML: flows, histograms and bars. They need no script and no font, and take their colors from the
// page's style sheet. They can be read without colors: every part has a label or a title.
//
// Coordinates are computed in integers and rounded to a tenth of a pixel, so the same numbers have the same bytes.
package picture
