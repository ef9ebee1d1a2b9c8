package recommendweb

import (
	"encoding/json"
	"testing"
	"time"

	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
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
	v := registrydb.Version{Number: 2, Lineage: registry.Lineage{Recipe: json.RawMessage(`{"k":200}`)}, Reason: "erasure", MadeAt: time.Unix(1, 0), Stage: registry.Champion}
	body := consoleBody{First: &web.Empty{Title: "No model yet"}, Stats: consoleStats(v), Facts: consoleFacts(v), Recipe: consoleRecipe(v), History: consoleHistory([]registrydb.Version{v, {Number: 1, Stage: registry.Retired}})}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_recommendations.html": {Layout: web.Console, Title: "Recommendations", Body: body}})
}
