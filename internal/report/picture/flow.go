package picture

import (
	"html/template"
	"slices"
)

// Kind is the kind of rows in a part of a flow, which decides how the part is filled.
type Kind string

// The kinds: rows that are used, that are dropped, that are repeated, and that are not used.
const (
	Kept  Kind = "kept"
	Gone  Kind = "gone"
	Again Kind = "again"
	Rest  Kind = "rest"
)

// Node is a place that rows flow through.
type Node struct {
	Name  string
	Kind  Kind
	Value int64
	// Label is written below the name.
	Label string
}

// Link is a flow from a node to a node in a later column. Columns and nodes are given by their indices.
type Link struct {
	FromColumn, From, ToColumn, To int
	Kind                           Kind
	Value                          int64
	// Title describes the link in words.
	Title string
}

// Flow is a picture of rows that flow from left to right. The height of a part shows its number of rows.
type Flow struct {
	// ID identifies the picture on its page; Title and Description are for screen readers.
	ID, Title, Description string
	// Heads are the titles of the columns.
	Heads   []string
	Columns [][]Node
	Links   []Link
}

// Sizes of a flow, in pixels.
const (
	flowWidth   = 1000
	flowTallest = 340 // of a column, without its gaps
	flowMargin  = 150 // left and right, for labels
	flowHead    = 30
	nodeWidth   = 12
	nodeSlot    = 32 // the least height that a node and its label take
	nodeGap     = 8
)

// box is where a node is drawn.
type box struct {
	x, y, height px
	in, out      px // the height that links from and to the node have taken so far
}

// SVG returns the flow.
func (f Flow) SVG() template.HTML {
	boxes, height := f.layout()
	var d drawing
	d.printf(`<svg class="flow" viewBox="0 0 %d %s" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		flowWidth, height, f.ID, f.ID, f.ID, text(f.Title), f.ID, text(f.Description))
	for c, head := range f.Heads {
		d.printf(`<text class="head" x="%s" y="16" text-anchor="middle">%s</text>`, f.columnX(c)+whole(nodeWidth)/2, text(head))
	}
	most := f.most()
	for _, link := range f.Links {
		if link.Value <= 0 {
			continue
		}
		from, to := &boxes[link.FromColumn][link.From], &boxes[link.ToColumn][link.To]
		width := max(part(whole(flowTallest), link.Value, most), 5)
		d.ribbon(from.x+whole(nodeWidth), from.y+from.out, to.x, to.y+to.in, width, link)
		from.out += width
		to.in += width
	}
	for c, column := range f.Columns {
		for i, node := range column {
			d.node(boxes[c][i], node, c == 0, c == len(f.Columns)-1)
		}
	}
	d.printf(`</svg>`)
	return template.HTML(d.out.String()) //nolint:gosec // every text in it was escaped
}

// most returns the number of rows in the column with the most rows, which sets the scale.
func (f Flow) most() int64 {
	var most int64
	for _, column := range f.Columns {
		var sum int64
		for _, node := range column {
			sum += node.Value
		}
		most = max(most, sum)
	}
	return most
}

func (f Flow) columnX(column int) px {
	room := whole(flowWidth - 2*flowMargin - nodeWidth)
	return whole(flowMargin) + room*px(column)/px(max(len(f.Columns)-1, 1))
}

// layout places the nodes, each column centered, and returns the height of the picture.
func (f Flow) layout() ([][]box, px) {
	most := f.most()
	boxes := make([][]box, len(f.Columns))
	tall := make([]px, len(f.Columns))
	for c, column := range f.Columns {
		y := px(0)
		for _, node := range column {
			height := max(part(whole(flowTallest), node.Value, most), 10)
			slot := max(height, whole(nodeSlot))
			boxes[c] = append(boxes[c], box{x: f.columnX(c), y: y + (slot-height)/2, height: height})
			y += slot + whole(nodeGap)
		}
		tall[c] = y
	}
	height := slices.Max(tall)
	for c := range boxes {
		for i := range boxes[c] {
			boxes[c][i].y += whole(flowHead) + (height-tall[c])/2
		}
	}
	return boxes, height + whole(flowHead)
}

// ribbon draws a link as a band.
func (d *drawing) ribbon(x0, y0, x1, y1, width px, link Link) {
	middle := (x0 + x1) / 2
	d.printf(`<path class="l %s" d="M%s %sC%s %s %s %s %s %sV%sC%s %s %s %s %s %sZ"><title>%s</title></path>`, link.Kind,
		x0, y0, middle, y0, middle, y1, x1, y1, y1+width, middle, y1+width, middle, y0+width, x0, y0+width, text(link.Title))
}

// node draws a node with its label: at the outer side in the first and last column, over the node elsewhere.
func (d *drawing) node(b box, node Node, first, last bool) {
	d.printf(`<rect class="n %s" x="%s" y="%s" width="%d" height="%s"/>`, node.Kind, b.x, b.y, nodeWidth, b.height)
	x, anchor := b.x+whole(nodeWidth)+60, "start"
	if first {
		x, anchor = b.x-60, "end"
	}
	y := b.y + b.height/2
	class := "label"
	if !first && !last {
		class = "label over"
	}
	d.printf(`<text class="%s" x="%s" y="%s" text-anchor="%s"><tspan>%s</tspan><tspan class="value" x="%s" dy="14">%s</tspan></text>`,
		class, x, y-20, anchor, text(node.Name), x, text(node.Label))
}
