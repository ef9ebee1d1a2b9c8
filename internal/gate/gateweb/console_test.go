package gateweb

import (
	"net/http/httptest"
	"testing"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryConsolePageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		t.Fatal(err)
	}
	u := gatedb.Use{At: time.Unix(1, 0), Kind: gate.Machine, Actor: "recommend", Purpose: thimble.TrainAISystem, Categories: []string{string(thimble.PurchaseHistory)}, Uses: 3}
	other := u
	other.Subject = thimble.SubjectID{1}
	machines := consoleMachines([]gatedb.Use{u, other})
	if got := machines.Rows[0].Cells; len(machines.Rows) != 1 || got[2].Value != int64(6) || got[3].Value != 2 {
		t.Errorf("sums = %v, want 6 reads of 2 customers", machines.Rows)
	}
	body := consoleBody{Staff: consoleStaff(httptest.NewRequest("GET", "/console/access?staff=zz", nil), []gatedb.Use{u}), Machines: machines, Without: consoleWithout([]gate.Without{{Capability: "recommend", Purpose: thimble.TrainAISystem, Does: "Something else."}})}
	hour := gate.Hour{Kind: gate.Staff, Actor: "owner", At: time.Unix(3600, 0), People: 61, Reads: 70}
	raised := []gatedb.Raised{
		{ID: thimble.ID{1}, Alarm: gate.Alarm{Kind: gate.BulkRead, Hour: hour, Why: "61 people were opened"}, At: time.Unix(1, 0), Open: true},
		{ID: thimble.ID{2}, Alarm: gate.Alarm{Kind: gate.CanaryRead, Hour: hour, Why: "a made-up person"}, At: time.Unix(1, 0), ClosedBy: "officer", ClosedAt: time.Unix(2, 0), Note: "a test of ours"},
	}
	var reach reachBody
	reachTables(&reach, gatedb.Reach{People: 2, Reads: 3, More: true, By: []gatedb.ReachPart{{Kind: gate.Staff, Actor: "owner", Purpose: thimble.SupportOperations, People: 2, Reads: 3}},
		Touched: []gatedb.Touched{{Subject: thimble.SubjectID{1}, First: time.Unix(1, 0), Last: time.Unix(2, 0), Reads: 3}}}, httptest.NewRequest("GET", "/console/reach?actor=owner", nil).URL)
	webtest.RenderAll(t, pages, map[string]web.Page{
		"console_access.html": {Layout: web.Console, Title: "Access log", Body: body},
		"console_alarms.html": {Layout: web.Console, Title: "Alarms", Body: alarmsOf(raised, 3, nil)},
		"console_reach.html":  {Layout: web.Console, Title: "Reach", Body: reach},
	})
}
