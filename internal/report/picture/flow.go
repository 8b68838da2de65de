package picture

import (
	"html/template"
	"slices"
)

// Kind is how a part of a flow is filled.
type Kind string

// The kinds: rows that are used, rows that are dropped, rows that are used once more, rows that are there and not used.
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
	// Label follows the name.
	Label string
}

// Link is a flow from a node of one column to a node of a later one. Both are named by their places.
type Link struct {
	FromColumn, From, ToColumn, To int
	Kind                           Kind
	Value                          int64
	// Title describes it in words.
	Title string
}

// Flow is a picture of rows that flow from the left to the right: heights are numbers of rows.
type Flow struct {
	// ID identifies the picture on its page; Title and Description are read aloud.
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
	in, out      px // how much of it its links have used
}

// SVG draws the flow.
func (f Flow) SVG() template.HTML {
	boxes, height := f.layout()
	var d drawing
	d.printf(`<svg class="flow" viewBox="0 0 %d %s" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		flowWidth, height, f.ID, f.ID, f.ID, text(f.Title), f.ID, text(f.Description))
	for c, head := range f.Heads {
		x, anchor := f.columnX(c)+whole(nodeWidth)/2, "middle"
		d.printf(`<text class="head" x="%s" y="16" text-anchor="%s">%s</text>`, x, anchor, text(head))
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

// most returns the number of rows in the fullest column, which sets the scale.
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

// ribbon draws a link: a band of one width.
func (d *drawing) ribbon(x0, y0, x1, y1, width px, link Link) {
	middle := (x0 + x1) / 2
	d.printf(`<path class="l %s" d="M%s %sC%s %s %s %s %s %sV%sC%s %s %s %s %s %sZ"><title>%s</title></path>`, link.Kind,
		x0, y0, middle, y0, middle, y1, x1, y1, y1+width, middle, y1+width, middle, y0+width, x0, y0+width, text(link.Title))
}

// node draws a node and its label: outside of the picture in the first and last column, above it elsewhere.
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
