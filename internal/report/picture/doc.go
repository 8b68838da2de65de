// Package picture draws the pictures of pages as SVG inside of HTML: flows, histograms and bars. They need no script and no font, take
// their colors from the page's style sheet, and do not depend on color: every part has its label or its title.
//
// Coordinates are rounded to a tenth of a pixel, and all of them follow from integers, so the same numbers have the same bytes.
package picture
