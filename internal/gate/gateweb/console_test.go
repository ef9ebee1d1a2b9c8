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
	webtest.RenderAll(t, pages, map[string]web.Page{"console_access.html": {Layout: web.Console, Title: "Access log", Body: body}})
}
