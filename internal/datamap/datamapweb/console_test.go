package datamapweb

import (
	"net/http/httptest"
	"testing"

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
	webtest.RenderAll(t, pages, map[string]web.Page{"console_datamap.html": {Layout: web.Console, Title: "Data map", Body: body}})
}
