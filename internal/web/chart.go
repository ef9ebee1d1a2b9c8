package web

import (
	"math"
	"strconv"
	"time"
)

// A Chart shows numbers as a drawing and as a table; without script the table
// alone. Its template block is "chart".
type Chart struct {
	ID      string // names the chart on its page; made from the title when empty
	Title   string
	Finding string // what the chart shows, in one sentence
	Unit    string // such as "orders" or "£"
	XLabel  string // the head of the first column; "Day" or "Item" when empty
	Kind    ChartKind
	Times   []time.Time // the x axis is time, or
	Labels  []string    // names
	Series  []Series
	Small   bool // half the height
	Actions []Action
}

// A ChartKind says how the series are drawn.
type ChartKind string

// The kinds of chart.
const (
	LineChart ChartKind = "line" // also when empty
	AreaChart ChartKind = "area"
	BarChart  ChartKind = "bar"
)

// A Series is one line of a chart, with the range it may lie in when Low and
// High are set. NaN is a gap.
type Series struct {
	Label     string
	Values    []float64
	Low, High []float64
	Dashed    bool // such as a forecast beside what happened
}

// ChartID is the chart's id.
func (c Chart) ChartID() string { return or(c.ID, slug("chart", c.Title)) }

// Style is the chart's kind, never empty.
func (c Chart) Style() string { return or(string(c.Kind), string(LineChart)) }

// XHead heads the first column.
func (c Chart) XHead() string {
	if c.XLabel != "" {
		return c.XLabel
	}
	if len(c.Times) > 0 {
		return "Day"
	}
	return "Item"
}

// Axis is "time" or "name".
func (c Chart) Axis() string {
	if len(c.Times) > 0 {
		return "time"
	}
	return "name"
}

// A ChartColumn heads one column of the chart's table. The script reads its role.
type ChartColumn struct {
	Label  string
	Role   string // "value", "low" or "high"
	Dashed bool
}

// Columns are the columns behind the first.
func (c Chart) Columns() []ChartColumn {
	var columns []ChartColumn
	for _, s := range c.Series {
		columns = append(columns, ChartColumn{Label: s.Label, Role: "value", Dashed: s.Dashed})
		if s.banded() {
			columns = append(columns,
				ChartColumn{Label: s.Label + ", low", Role: "low"},
				ChartColumn{Label: s.Label + ", high", Role: "high"})
		}
	}
	return columns
}

func (s Series) banded() bool { return len(s.Low) > 0 && len(s.High) > 0 }

// A ChartRow is one x with its values.
type ChartRow struct {
	Label string
	X     string // seconds since 1970, or the row's index
	Cells []ChartCell
}

// A ChartCell is a value as people and as the script read it.
type ChartCell struct {
	Text string
	Raw  string // empty at a gap
}

// Table returns the chart's numbers row by row.
func (c Chart) Table() []ChartRow {
	n := max(len(c.Times), len(c.Labels))
	whole := c.wholeDays()
	rows := make([]ChartRow, n)
	for i := range rows {
		rows[i].X = strconv.Itoa(i)
		switch {
		case i < len(c.Times) && whole:
			rows[i].Label = c.Times[i].UTC().Format("2 Jan 2006")
		case i < len(c.Times):
			rows[i].Label = c.Times[i].UTC().Format("2 Jan 2006 15:04")
		default:
			rows[i].Label = c.Labels[i]
		}
		if i < len(c.Times) {
			rows[i].X = strconv.FormatInt(c.Times[i].Unix(), 10)
		}
		for _, s := range c.Series {
			rows[i].Cells = append(rows[i].Cells, chartCell(s.Values, i))
			if s.banded() {
				rows[i].Cells = append(rows[i].Cells, chartCell(s.Low, i), chartCell(s.High, i))
			}
		}
	}
	return rows
}

func (c Chart) wholeDays() bool {
	for _, t := range c.Times {
		if !t.UTC().Truncate(24 * time.Hour).Equal(t) {
			return false
		}
	}
	return true
}

func chartCell(values []float64, i int) ChartCell {
	if i >= len(values) || math.IsNaN(values[i]) || math.IsInf(values[i], 0) {
		return ChartCell{Text: "–"}
	}
	return ChartCell{Text: Number(values[i]), Raw: strconv.FormatFloat(values[i], 'g', -1, 64)}
}
