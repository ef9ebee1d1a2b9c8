package segment_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/collect/plan"
	"thimble/internal/collect/segment"
)

func ExampleReader() {
	compiled, err := plan.Compile(plan.Default())
	if err != nil {
		fmt.Println(err)
		return
	}
	r := segment.NewReader(compiled)
	body, err := r.Read([]byte(`{"type":"track","event":"Product Viewed","anonymousId":"a","messageId":"m","timestamp":"2026-11-29T11:00:00Z",
		"properties":{"sku":"LS-38","price":19.95,"currency":"EUR","size":"38","shoe_colour":"red"}}`),
		segment.Track, segment.Arrival{At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Random: func(b []byte) { _, _ = rand.Read(b) }})
	if err != nil {
		fmt.Println(err)
		return
	}
	// The person permits analytics and nothing else.
	mask := compiled.Mask(func(p thimble.Purpose, _ thimble.Category) bool { return p == "analytics" })
	for i := range body.Events {
		out, _ := body.Emit(nil, &body.Events[i], mask)
		fmt.Println(string(out))
	}
	fmt.Println("not planned:", plan.Shown(body.Bytes(body.Unknown[0].Name)))
	// Output:
	// {"plan":1,"type":"track","event":"Product Viewed","time":1795950000000000,"properties":{"currency":"EUR","price_minor":1995,"sku":"LS-38"}}
	// not planned: shoe_colour
}
