package segment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// shopBatch is a batch of so many events of a shop, of about 700 bytes each.
func shopBatch(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"batch":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		event, props := "Product Viewed", fmt.Sprintf(`"product_id":"p-%d","sku":"LS-%d-38","category":"shirts","name":"Linen shirt","brand":"North","variant":"blue","price":%d.95,"quantity":1,"position":%d,"currency":"EUR","url":"https://shop.example/p/linen-shirt"`, i, i, 20+i, i)
		switch i % 4 {
		case 1:
			event, props = "Order Completed", fmt.Sprintf(`"order_id":"o-%d","total":%d.40,"revenue":%d.00,"shipping":4.90,"tax":9.5,"currency":"EUR","products":[{"product_id":"p-1","sku":"LS-1","price":19.95,"quantity":1},{"product_id":"p-2","sku":"LS-2","price":24.95,"quantity":2}]`, i, 60+i, 50+i)
		case 2:
			event, props = "Products Searched", `"query":"linen shirt blue 38"`
		}
		fmt.Fprintf(&b, `{"timestamp":"2026-11-29T11:%02d:00.123Z","integrations":{},"type":"track","event":%q,"properties":{%s},"anonymousId":"0f4b1c2e-7d3a-4e5b-9c6d-%012d",`+
			`"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"},"locale":"de-DE","ip":"192.0.2.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","consent":{"categoryPreferences":{"Analytics":true,"Advertising":false}}},`+
			`"messageId":"node-next-1764417600000-0f4b1c2e-7d3a-4e5b-9c6d-%012d","_metadata":{"nodeVersion":"22.0.0"}}`, i%60, event, props, i, i)
	}
	b.WriteString(`],"sentAt":"2026-11-29T12:00:00.000Z","writeKey":"wk"}`)
	return []byte(b.String())
}

// cpu returns the seconds of CPU that the process has used.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of the own process; cannot fail
	s := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return s(u.Utime) + s(u.Stime)
}

// perCPU reports events per second of CPU.
func perCPU(b *testing.B, events int, run func()) {
	b.ReportAllocs()
	began, n := cpu(), 0
	for b.Loop() {
		run()
		n += events
	}
	b.ReportMetric(float64(n)/(cpu()-began), "events/cpu-s")
}

// BenchmarkBatch reads batches of 100 events: here with all that is checked and
// written, and beside it by others who only read.
func BenchmarkBatch(b *testing.B) {
	const n = 100
	body := shopBatch(n)
	b.Logf("%d bytes an event", len(body)/n)
	b.Run("read+emit", func(b *testing.B) {
		r, a := NewReader(compiled(b)), arrival()
		var out []byte
		b.SetBytes(int64(len(body)))
		perCPU(b, n, func() {
			got, err := r.Read(body, Batch, a)
			if err != nil || len(got.Events) != n {
				b.Fatal(err)
			}
			out = out[:0]
			for i := range got.Events {
				out, _ = got.Emit(out, &got.Events[i], everything)
			}
		})
	})
	b.Run("read", func(b *testing.B) {
		r, a := NewReader(compiled(b)), arrival()
		perCPU(b, n, func() { _, _ = r.Read(body, Batch, a) })
	})
	b.Run("encoding-json", func(b *testing.B) {
		perCPU(b, n, func() {
			var all struct {
				Batch []map[string]any
			}
			if err := json.Unmarshal(body, &all); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("encoding-json-valid", func(b *testing.B) {
		perCPU(b, n, func() {
			if !json.Valid(body) {
				b.Fatal("not valid")
			}
		})
	})
	b.Run("jsontext-tokens", func(b *testing.B) {
		d := jsontext.NewDecoder(bytes.NewReader(body))
		perCPU(b, n, func() {
			d.Reset(bytes.NewBuffer(body))
			for {
				if _, err := d.ReadToken(); err != nil {
					break
				}
			}
		})
	})
}

func TestReadingAndWritingAllocateNothing(t *testing.T) {
	r, a := NewReader(compiled(t)), arrival()
	body := shopBatch(100)
	var out []byte
	run := func() {
		got, err := r.Read(body, Batch, a)
		if err != nil {
			t.Fatal(err)
		}
		out = out[:0]
		for i := range got.Events {
			out, _ = got.Emit(out, &got.Events[i], everything)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n >= 1 {
		t.Errorf("%v allocations for a batch, want none", n)
	}
}
