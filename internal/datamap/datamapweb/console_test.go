package datamapweb

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thimble"
	"thimble/internal/datamap"
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
	body, status := consoleMap(httptest.NewRequest("GET", "/console/datamap?category=user.unique_id&sealed=no", nil), datamap.All())
	if status != 422 { // a branch of the categories is no value of the list
		t.Errorf("status = %d, want 422", status)
	}
	body, status = consoleMap(httptest.NewRequest("GET", "/console/datamap?holder=order", nil), datamap.All())
	if status != 200 || len(body.Fields.Rows) == 0 || len(body.Fields.Rows) > 20 {
		t.Errorf("fields of the orders = %d, %d", status, len(body.Fields.Rows))
	}
	body, status = consoleMap(httptest.NewRequest("GET", "/console/datamap?holder=order&field=order_orders.body", nil), datamap.All())
	if status != 200 || body.Chosen == nil || body.Chosen.Close != "/console/datamap?holder=order" {
		t.Errorf("one field = %d, %+v", status, body.Chosen)
	}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_datamap.html": {Layout: web.Console, Title: "Data map", Body: body}})
}

func TestThePageFiltersByPurposeAndKeepsItsFiltersInTheAddress(t *testing.T) {
	body, status := consoleMap(httptest.NewRequest("GET", "/console/datamap?purpose=train_ai_system", nil), datamap.All())
	if status != 200 || len(body.Fields.Rows) != len(datamap.For(thimble.TrainAISystem)) {
		t.Errorf("fields to learn from = %d, %d; For says %d", status, len(body.Fields.Rows), len(datamap.For(thimble.TrainAISystem)))
	}
	if href := body.Fields.Rows[0].Href; !strings.Contains(href, "purpose=train_ai_system") || !strings.Contains(href, "field=") {
		t.Errorf("a row leads to %s, which loses the filter", href)
	}
	for address, want := range map[string]int{"?purpose=curiosity": 422, "?field=order_orders.secret": 404, "?sealed=yes&category=thimble.access_record": 200} {
		if _, status := consoleMap(httptest.NewRequest("GET", "/console/datamap"+address, nil), datamap.All()); status != want {
			t.Errorf("%s = %d, want %d", address, status, want)
		}
	}
}

func TestTheMapIsOfferedAsFiles(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	section, err := Console(kit)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	section.Mount(mux, &web.Frame{Kit: kit})
	for path, kind := range map[string]string{"/console/datamap/datamap.json": "application/json", "/console/datamap/datamap.jsonld": "application/ld+json"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || !json.Valid(w.Body.Bytes()) || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s = %d, %s, %q", path, w.Code, w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition"))
		}
	}
}
