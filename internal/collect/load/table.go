package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Print writes a result as a table.
func (r Result) Print(w io.Writer, c Config) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "clients\tbatch\tbytes/event\tevents\tevents/s\trequests/s\tp50\tp90\tp99\terrors\tsender's CPU s\t")
	fmt.Fprintf(tab, "%d\t%d\t%d\t%d\t%.0f\t%.0f\t%s\t%s\t%s\t%s\t%.1f\t\n", c.Clients, c.Batch, r.MeanBytes, r.Events, r.PerSecond(), float64(r.Requests)/max(r.Took.Seconds(), 1e-9),
		ms(r.P50), ms(r.P90), ms(r.P99), r.errors(), r.CPU.Seconds())
	return tab.Flush()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

func (r Result) errors() string {
	var all []string
	for _, status := range slices.Sorted(maps.Keys(r.Errors)) {
		all = append(all, fmt.Sprintf("%s: %d", status, r.Errors[status]))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
