package gateweb

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestUsesByMachinesAreAddedUpPerPurpose(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	use := func(k gate.Kind, actor string, p thimble.Purpose, n int64) gatedb.Use {
		return gatedb.Use{Kind: k, Actor: actor, Purpose: p, Uses: n, At: at, Categories: []string{string(thimble.PurchaseHistory)}}
	}
	all := []gatedb.Use{
		use(gate.Machine, "recommend", thimble.TrainAISystem, 2), use(gate.Machine, "recommend", thimble.TrainAISystem, 3),
		use(gate.Machine, "storefront", thimble.PersonalizeContent, 1), use(gate.Staff, "mara", thimble.SupportOperations, 1), use(gate.Customer, "", thimble.LegalObligation, 4),
	}
	body := accessOf(all, []look{{Use: all[3], Look: gatedb.Look{Roles: []string{"support"}, Reason: "to call you back", Masked: []thimble.Category{thimble.AccountIdentifier}, Glass: true}}})
	if len(body.Staff.Rows) != 1 || len(body.Machines.Rows) != 2 || body.Own != 4 {
		t.Fatalf("%d reads by staff, %d lines of machines, %d own looks", len(body.Staff.Rows), len(body.Machines.Rows), body.Own)
	}
	if got := body.Machines.Rows[1].Cells[3].Value; got != int64(1) && body.Machines.Rows[0].Cells[3].Value != int64(5) {
		t.Errorf("times = %v", got)
	}

	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.RenderAll(t, pages, map[string]web.Page{"portal_access.html": {Layout: web.Portal, Title: "Who looked", Body: body}})
}
