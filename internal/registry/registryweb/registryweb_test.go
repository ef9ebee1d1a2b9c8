package registryweb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/api/apitest"
	"thimble/internal/blob"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// room is a board over a real shelf.
type room struct {
	*testing.T
	*registrydb.Shelf
	mux *http.ServeMux
	dir string
}

func open(t *testing.T) *room {
	t.Helper()
	r := &room{T: t, dir: t.TempDir(), mux: http.NewServeMux()}
	db := sqldbtest.SQLite(t, sqldb.Core)
	signer, err := ledger.NewSigner("shop.test/log", make([]byte, 32))
	r.must(err)
	files, err := blob.Open(r.dir)
	r.must(err)
	store := registrydb.New(db, ledgerdb.New(db, signer, ledgerdb.Config{}), time.Now)
	r.Shelf = registrydb.NewShelf(store, files, func(_ context.Context, name string) ([]byte, error) {
		sum := sha256.Sum256([]byte(name))
		return sum[:], nil
	}, nil)
	kit, err := web.New(web.Config{Name: "Thimble"})
	r.must(err)
	s, err := Console(kit, r.Shelf, map[string]Model{"item-item": mover{r.Shelf}})
	r.must(err)
	s.Mount(r.mux, &web.Frame{Kit: kit, Log: slog.New(slog.DiscardHandler), Wrap: func(_ *http.Request, p web.Page) web.Page {
		p.Layout, p.Nav = web.Console, s.Nav
		return p
	}})
	r.mux.Handle("/assets/", kit.Assets())
	return r
}

func (r *room) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// mover moves versions as a model does, without serving anybody.
type mover struct{ *registrydb.Shelf }

func (m mover) Rollback(ctx context.Context, o registrydb.Order) (registrydb.Version, error) {
	return m.Shelf.Rollback(ctx, "item-item", o)
}

func (m mover) Promote(ctx context.Context, n int64, to registry.Stage, o registrydb.Order) error {
	return m.Shelf.Promote(ctx, "item-item", n, to, o)
}

func (m mover) Revoke(ctx context.Context, n int64, o registrydb.Order) error {
	i, err := m.Shelf.Revoke(ctx, "item-item", n, o)
	if err != nil {
		return err
	}
	return m.Destroy(ctx, i)
}

func (m mover) RevokeKey(ctx context.Context, hint string, o registrydb.Order) error {
	i, err := m.Shelf.RevokeKey(ctx, hint, o)
	if err != nil {
		return err
	}
	return m.Destroy(ctx, i)
}

func (m mover) Check(ctx context.Context) error {
	kept, err := m.Kept(ctx, "item-item")
	for _, v := range kept {
		_, _ = m.Open(ctx, v) // what it finds is written down
	}
	return err
}

func (r *room) releases(stage registry.Stage, weights string) registrydb.Version {
	r.Helper()
	ctx := r.Context()
	n, err := r.Reserve(ctx, "item-item", 1)
	r.must(err)
	stay := map[int64]registry.Stage{}
	kept, err := r.Kept(ctx, "item-item")
	r.must(err)
	for _, v := range kept {
		if stay[v.Number] = v.Stage; v.Serving() && stage == registry.Champion {
			stay[v.Number] = registry.Retired
		}
	}
	made, err := r.Make(ctx, registrydb.Version{Model: "item-item", Number: n, Stage: stage, Reason: "consents changed", MadeAt: time.Now().UTC().Truncate(time.Microsecond), Took: 1234 * time.Millisecond}, registry.Card{
		Title: "Recommender", About: "Ranks a shop's products for a person from what that person bought.", Uses: []string{"lists of products"}, Limits: []string{"no sizes"}, Explains: "a sum of whole numbers",
		Data:    registry.Data{People: 4321, Items: 3665, Interactions: 260000, Weights: 500000, From: "2010-12", To: "2011-12"},
		Metrics: []registry.Metric{{Name: "recall@20", Value: 0.1234, On: "the last fifth of each history"}}, Unaudited: "Nobody has measured it.",
	}, registry.Lineage{Recipe: json.RawMessage(`{"name":"D200","k":200}`), Code: "test", Uses: []registry.LineageUse{{Purpose: thimble.TrainAISystem, Category: thimble.PurchaseHistory}},
		Consent: "Orders of people who permit it.", Until: time.Now().UTC(), Through: 7, Forgets: registry.Forgets{Kind: registry.Refit, Latency: "Seconds."}}, []byte(weights))
	r.must(err)
	destroy, err := r.Release(ctx, registrydb.Release{Model: "item-item", Stay: stay, Order: registrydb.Order{Reason: "consents changed"}}, []registrydb.Made{made})
	r.must(err)
	r.must(r.Destroy(ctx, destroy))
	v, err := r.Version(ctx, "item-item", n)
	r.must(err)
	return v
}

func (r *room) get(path string, status int) string {
	r.Helper()
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, httptest.NewRequestWithContext(r.Context(), http.MethodGet, path, nil))
	if w.Code != status {
		r.Errorf("GET %s = %d, want %d\n%s", path, w.Code, status, w.Body)
	}
	return w.Body.String()
}

func (r *room) post(path string, status int, form url.Values) string {
	r.Helper()
	q := httptest.NewRequestWithContext(r.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, q)
	if w.Code != status {
		r.Errorf("POST %s = %d, want %d\n%s", path, w.Code, status, w.Body)
	}
	return w.Body.String()
}

func (r *room) says(page string, words ...string) {
	r.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			r.Errorf("the page does not say %q\n%s", w, page)
		}
	}
}

func TestTheBoardSaysWhatToDoFirst(t *testing.T) {
	r := open(t)
	r.says(r.get(Path, http.StatusOK), "No model yet", "/console/recommendations")
	r.get(Path+"/item-item/1", http.StatusNotFound)
	r.get(Path+"/item-item/one", http.StatusNotFound)
}

func TestTheBoardShowsWhatServesAndThatNobodyHasAuditedIt(t *testing.T) {
	r := open(t)
	r.releases(registry.Champion, "one")
	v := r.releases(registry.Champion, "two")
	r.releases(registry.Shadow, "three")
	_, err := r.Open(t.Context(), v)
	r.must(err)
	board := r.get(Path, http.StatusOK)
	r.says(board, "Unaudited", "Nobody has measured it.", "champion", "retired", "shadow", "verified", "Roll back to version 1", "Signing keys")
	page := r.get(Path+"/item-item/2", http.StatusOK)
	r.says(page, "4,321", "recall@20", "0.1234", "D200", "no sizes", "Download the package", "Revoke it", "2010-12 to 2011-12")
	if strings.Contains(page, "Move it to another stage") {
		t.Error("the champion can be moved to a stage that its life does not have")
	}
	r.says(r.get(Path+"/item-item/3", http.StatusOK), "Move it to another stage", "Challenger: next in line")
}

func TestStaffMovesVersionsWithAReason(t *testing.T) {
	r := open(t)
	r.releases(registry.Champion, "one")
	r.releases(registry.Champion, "two")
	why := url.Values{"reason": {"the lists are empty"}}

	r.says(r.post(Path+"/item-item/rollback", http.StatusUnprocessableEntity, nil), "Please check this form", "Write in 1 to 500 characters why")
	r.post(Path+"/prices/rollback", http.StatusNotFound, why)
	r.post(Path+"/item-item/rollback", http.StatusSeeOther, why)
	if v, err := r.Champion(t.Context(), "item-item"); err != nil || v.Number != 1 {
		t.Errorf("version %d serves, %v, want 1", v.Number, err)
	}
	r.says(r.get(Path+"?done=rollback", http.StatusOK), "Rolled back", "the lists are empty")

	r.says(r.post(Path+"/item-item/2/stage", http.StatusUnprocessableEntity, url.Values{"stage": {"shadow"}, "reason": {"x"}}), "not possible in the stage")
	r.post(Path+"/item-item/2/revoke", http.StatusSeeOther, why)
	r.says(r.post(Path+"/item-item/2/revoke", http.StatusUnprocessableEntity, why), "not possible in the stage")
	keys, err := r.Keys(t.Context())
	r.must(err)
	r.post(Path+"/item-item/keys/"+keys[0].Hint+"/revoke", http.StatusSeeOther, why)
	r.says(r.get(Path, http.StatusOK), "No version serves", "revoked")
	r.post(Path+"/item-item/check", http.StatusSeeOther, nil)
}

func TestTheBoardRaisesAnAlarmWhenAFileWasRefused(t *testing.T) {
	r := open(t)
	v := r.releases(registry.Champion, "one")
	r.must(os.WriteFile(filepath.Join(r.dir, blob.Hash(v.Package).String()), []byte("tampered"), 0o600))
	r.post(Path+"/item-item/check", http.StatusSeeOther, nil)
	r.says(r.get(Path, http.StatusOK), "The file of version 1 was refused", "not the one that was released")
	r.says(r.get(Path+"/item-item/1", http.StatusOK), "Its file was refused")
	r.get(Path+"/item-item/1/package", http.StatusForbidden)
	tiles, err := ConsoleTiles(r.Shelf)(t.Context())
	if err != nil || len(tiles) != 1 || tiles[0].Value != "refused" {
		t.Errorf("the overview says %+v, %v", tiles, err)
	}
}

func TestADownloadedPackageVerifiesUnderTheKeyOnTheBoard(t *testing.T) {
	r := open(t)
	r.releases(registry.Champion, "one")
	content := r.get(Path+"/item-item/1/package", http.StatusOK)
	keys, err := r.Keys(t.Context())
	r.must(err)
	key, err := registry.ParseKey([]byte(keys[0].PEM))
	r.must(err)
	p, err := registry.Open([]byte(content), registry.Trust{Keys: []registry.Key{key}})
	if err != nil || string(p.Weights) != "one" {
		t.Errorf("%q, %v", p.Weights, err)
	}
}

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	r := open(t)
	r.releases(registry.Champion, "one")
	v := r.releases(registry.Champion, "two")
	kit, err := web.New(web.Config{})
	r.must(err)
	pages, err := kit.Pages(pageFiles)
	r.must(err)
	s, err := stateOf(t.Context(), r.Shelf, registrydb.Line{Model: "item-item", Held: true})
	r.must(err)
	s.refused = []registrydb.Check{{Version: 1, Rule: registry.RuleFile}}
	changes, err := r.Changes(t.Context(), "item-item", 5)
	r.must(err)
	keys, err := r.Keys(t.Context())
	r.must(err)
	no := &refused{form: "rollback", problem: "why"}
	v.Card.Audit, v.Lineage.DerivedFrom = &registry.Audit{By: "somebody", Result: "fair"}, 1
	webtest.RenderAll(t, pages, map[string]web.Page{
		"models.html": {Layout: web.Console, Title: "Models", Body: boardBody{First: &web.Empty{Title: "None"}, Models: []modelPart{part(s, changes, no)}, Keys: keysTable(keys), Revoke: keyForms("item-item", keys, nil)}},
		"model.html":  {Layout: web.Console, Title: "Model", Body: versionOf(s, v, no)},
	})
}

func TestTheAPITellsTheCardOfWhatServes(t *testing.T) {
	r := open(t)
	d := apitest.Open(t, Operations(r.Shelf))
	var all struct{ Models []ServedModel }
	d.Into(&all, d.Get(apitest.Read, "/v1/models"))
	if len(all.Models) != 0 {
		t.Errorf("%+v, want none", all.Models)
	}
	v := r.releases(registry.Champion, "one")
	d.Into(&all, d.Get(apitest.Read, "/v1/models"))
	if len(all.Models) != 1 || !all.Models[0].Serves || all.Models[0].Audited || all.Models[0].Signer != v.Signer {
		t.Errorf("%+v", all.Models)
	}
	var card ModelCard
	d.Into(&card, d.Get(apitest.Read, "/v1/models/item-item"))
	if card.Version != v.Number || card.Card == nil || card.Card.Data.People != 4321 || card.Forgets.Kind != registry.Refit || !strings.Contains(card.Recipe, "D200") {
		t.Errorf("%+v", card)
	}
	if w := d.Get(apitest.Read, "/v1/models/none"); w.Status != http.StatusNotFound {
		t.Errorf("no such model: %d", w.Status)
	}
}

func TestPagesAreAccessibleAndFitAPhone(t *testing.T) {
	b := webtest.Start(t)
	r := open(t)
	r.releases(registry.Champion, "one")
	v := r.releases(registry.Champion, "two")
	r.releases(registry.Shadow, "three")
	r.post(Path+"/item-item/check", http.StatusSeeOther, nil)
	r.must(os.WriteFile(filepath.Join(r.dir, blob.Hash(v.Package).String()), []byte("tampered"), 0o600))
	r.post(Path+"/item-item/check", http.StatusSeeOther, nil)
	server := httptest.NewServer(r.mux)
	defer server.Close()
	shots := os.Getenv("THIMBLE_SHOTS")
	tab := b.Open(server.URL+Path, webtest.Desk)
	for page, path := range map[string]string{"models": Path, "model": Path + "/item-item/3", "model-refused": Path + "/item-item/2"} {
		tab.Goto(server.URL + path)
		looks := map[string]webtest.Viewport{"desk-light": webtest.Desk, "phone-dark": {Width: 390, Height: 844, Dark: true}}
		if shots != "" {
			looks["desk-dark"], looks["phone-light"] = webtest.Viewport{Width: 1280, Height: 800, Dark: true}, webtest.Phone
		}
		for name, look := range looks {
			tab.Look(look)
			tab.NoOverflow(t)
			tab.Axe(t)
			if shots != "" {
				tab.Screenshot(t, filepath.Join(shots, page+"-"+name+".png"))
			}
		}
	}
	tab.Clean(t, server.URL)
}
