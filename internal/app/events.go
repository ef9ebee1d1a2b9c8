package app

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"thimble/internal/collect/door"
	"thimble/internal/consent/signal"
	"thimble/internal/web"
)

// withEvents puts the door for events beside the others: what comes by the thousand each
// second passes nothing that it does not need.
func (d *doors) withEvents(others http.Handler) (http.Handler, error) {
	proxies, err := web.ParseProxies(d.Config.Proxies)
	if err != nil {
		return nil, err
	}
	rate := d.Config.CollectRate
	if rate == 0 {
		rate = -1
	}
	events := door.New(door.Config{
		Sources: d.Sources, Intake: d.Intake, PublicURL: d.Config.PublicURL, Categories: consentCategories(), TLS: d.tls,
		Room: newRoom(d.Config.Data, d.Config.Reserve).Left, Rate: rate, Now: d.Config.clock(), Log: d.Log,
	})
	wire := proxies.Client(d.telemetry.Quiet(web.Recover(events, d.Log, nil)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pattern := door.Serves(r.URL.Path); pattern != "" {
			r.Pattern = pattern
			wire.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	}), nil
}

// consentCategories are the categories of consent that Segment's tools ask people about,
// by the names of Segment's own examples.
func consentCategories() []string {
	names := map[string]string{"datasharing": "DataSharing"}
	var all []string
	for _, id := range slices.Sorted(maps.Keys(signal.DefaultCategories())) {
		name, ok := names[id]
		if !ok {
			name = strings.ToUpper(id[:1]) + id[1:]
		}
		all = append(all, name)
	}
	return all
}
