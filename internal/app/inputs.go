package app

import (
	"context"
	"slices"

	"thimble/internal/collect/door"
	"thimble/internal/collect/hookweb"
	"thimble/internal/consent/consentweb"
	"thimble/internal/console"
	"thimble/internal/disclose/discloseweb"
	"thimble/internal/recommend/tasteweb"
	"thimble/internal/rights/ddrfweb"
	"thimble/internal/rights/drpweb"
	"thimble/internal/rights/opendsrweb"
	"thimble/internal/rights/systemsweb"
	"thimble/internal/staff/staffweb"
	"thimble/internal/web"
)

// Inputs are the patterns of all that comes in by HTTP beside the API's operations, for who
// holds them against a list: pages of the console, of the privacy centre and of the demo's
// shop, events, deliveries, confirmations.
func (a *App) Inputs(ctx context.Context) ([]string, error) {
	d, err := a.doors(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := d.consoleSections()
	if err != nil {
		return nil, err
	}
	customers, err := d.portalSections()
	if err != nil {
		return nil, err
	}
	entrance, err := staffweb.Entrance(d.kit, d.staffDeps())
	if err != nil {
		return nil, err
	}
	choices, err := consentweb.Shop(d.kit, consentweb.ShopDeps{Store: d.wholeConsent(), Log: d.Log, Now: d.Config.clock()})
	if err != nil {
		return nil, err
	}
	all := console.Patterns(slices.Concat(staff, customers, []web.Section{entrance, choices, tasteweb.Shop(d.wholeTastes())}))
	// What the storefront has of its own, what lies beside the doors, and the console's end.
	all = append(all, "POST /shop/sign-in", "POST /shop/sign-out", "POST /console/sign-out", hookweb.Pattern, "POST "+consentweb.BrowserPath, "POST "+discloseweb.AckPath+"{recipient}", systemsweb.AnswerPattern, opendsrweb.CallbackPattern)
	all = append(all, opendsrweb.Patterns()...)
	all = append(all, drpweb.Patterns()...)
	all = append(all, "POST "+ddrfweb.RequestPath)
	for _, path := range door.Paths() {
		all = append(all, "POST "+path)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
