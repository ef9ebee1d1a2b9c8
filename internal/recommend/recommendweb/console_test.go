package recommendweb

import (
	"testing"
	"time"

	"thimble/internal/recommend/recommenddb"
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
	v := recommenddb.Version{Number: 2, Recipe: `{"k":200}`, Reason: "erasure", TrainedAt: time.Unix(1, 0), Serving: true}
	body := consoleBody{First: &web.Empty{Title: "No model yet"}, Stats: consoleStats(v), Facts: consoleFacts(v), Recipe: consoleRecipe(v), History: consoleHistory([]recommenddb.Version{v, {Number: 1}})}
	webtest.RenderAll(t, pages, map[string]web.Page{"console_recommendations.html": {Layout: web.Console, Title: "Recommendations", Body: body}})
}
