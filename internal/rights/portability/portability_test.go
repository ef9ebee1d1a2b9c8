package portability_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"pgregory.net/rapid"

	"thimble"
	"thimble/internal/rights"
	"thimble/internal/rights/portability"
)

var (
	at    = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	ada   = thimble.SubjectID{1}
	other = thimble.SubjectID{2}
)

func parcel(data ...thimble.Datum) portability.Parcel {
	return portability.Parcel{
		Archive: rights.Archive{Report: rights.Report{Request: "req_1"}, Snapshot: rights.Snapshot{Name: "snap_1", At: at}, Data: data, Members: []thimble.SubjectID{ada}},
		Facts:   []portability.Fact{{Holder: "order", Category: "what you bought", Source: "the shop's orders", Purposes: []string{"service"}, Recipients: []string{"Example Parcels Ltd"}, Retention: "seven years"}},
	}
}

func written(t testing.TB, p portability.Parcel) map[string][]byte {
	t.Helper()
	var b bytes.Buffer
	if err := portability.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

type linked struct {
	Data []struct {
		Holder, Category, Name, At string
		Value                      json.RawMessage
	} `json:"data"`
	About []map[string]any `json:"about"`
}

func TestEveryDatumIsInThePageTheTablesAndTheJSON(t *testing.T) {
	files := written(t, parcel(
		thimble.Datum{Holder: "subject", Category: thimble.AccountIdentifier, Name: "email", Value: "ada@example.com", At: at},
		thimble.Datum{Holder: "order", Category: thimble.PurchaseHistory, Name: "order", Value: map[string]any{"number": "536365", "lines": []map[string]any{{"item": "85123A", "units": 2}}}, At: at},
		thimble.Datum{Holder: "order", Category: thimble.PurchaseHistory, Name: "order", Value: map[string]any{"number": "536366", "gift": true}, At: at},
		thimble.Datum{Holder: "decision", Category: thimble.AutomatedDecision, Name: "dec_0123456789", Value: map[string]any{"score": 12}, At: at},
	))
	var got linked
	if err := json.Unmarshal(files["data.jsonld"], &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Data) != 4 || got.Data[1].Name != "order" || !bytes.Contains(got.Data[1].Value, []byte("85123A")) || got.Data[0].At == "" || len(got.About) != 1 {
		t.Errorf("%+v", got)
	}
	orders, err := csv.NewReader(bytes.NewReader(files["tables/order.csv"])).ReadAll()
	want := []string{"at", "name", "category", "value.gift", "value.lines.1.item", "value.lines.1.units", "value.number"}
	if err != nil || len(orders) != 3 || !slices.Equal(orders[0], want) || orders[1][4] != "85123A" || orders[2][3] != "true" {
		t.Errorf("%q, %v", orders, err)
	}
	for _, text := range []string{"ada@example.com", "536365", "536366", "85123A", "dec_0123456789", "Example Parcels Ltd", "seven years"} {
		if !bytes.Contains(files["index.html"], []byte(text)) {
			t.Errorf("the page does not have %s", text)
		}
	}
	if bytes.Contains(files["index.html"], []byte("<script")) {
		t.Error("the page has a script")
	}
	var m struct {
		Files []struct{ Name, SHA256 string }
	}
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil || len(m.Files) != len(files)-1 {
		t.Errorf("the manifest names %d of %d files, %v", len(m.Files), len(files)-1, err)
	}
	for _, f := range m.Files {
		if sum := sha256.Sum256(files[f.Name]); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("the hash of %s is not its", f.Name)
		}
	}
}

func TestWhatLeadsToSomebodyElseIsLeftOutAndListed(t *testing.T) {
	files := written(t, parcel(
		thimble.Datum{Holder: "subject", Category: thimble.AccountIdentifier, Name: "email", Value: "ada@example.com", At: at},
		thimble.Datum{Holder: "collect", Category: "user.content", Name: "review", At: at, Value: map[string]any{
			"text": "Lovely. My sister at grace@example.org liked it too, I am Ada@example.com", "reply_to": "hopper@example.net", "with": other.String(), "by": ada.String(),
		}},
	))
	for _, part := range []string{"data.jsonld", "index.html", "tables/collect-review.csv"} {
		body := string(files[part])
		for _, gone := range []string{"grace@example.org", other.String()} {
			if strings.Contains(body, gone) {
				t.Errorf("%s has %s", part, gone)
			}
		}
		// Their own, and what is an address as a whole, which may be theirs.
		for _, stays := range []string{"Ada@example.com", "hopper@example.net", ada.String()} {
			if !strings.Contains(body, stays) {
				t.Errorf("%s lacks %s", part, stays)
			}
		}
	}
	left, err := csv.NewReader(bytes.NewReader(files["about/left-out.csv"])).ReadAll()
	if err != nil || len(left) != 3 || left[1][2] != "text" || left[2][2] != "with" {
		t.Errorf("listed: %q, %v", left, err)
	}
}

func TestNoCellBeginsAFormula(t *testing.T) {
	files := written(t, parcel(thimble.Datum{Holder: "order", Category: thimble.PurchaseHistory, Name: "note", At: at,
		Value: map[string]any{"a": `=HYPERLINK("http://example.com")`, "b": "+1+1", "c": "@SUM(A1)", "d": "-12.5", "e": "\tx", "=f()": 1}}))
	lines, err := csv.NewReader(bytes.NewReader(files["tables/order-note.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range slices.Concat(lines...) {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && cell != "-12.5" {
			t.Errorf("a cell begins with %q", cell)
		}
	}
}

// Whatever holders export is written whole: no datum is lost, and the same archive gives
// the same bytes.
func TestAnyArchiveIsWrittenWhole(t *testing.T) {
	text := rapid.StringMatching(`[a-zA-Z0-9 ,.<>&"'=]{0,20}`)
	value := rapid.Custom(func(r *rapid.T) any {
		switch rapid.IntRange(0, 3).Draw(r, "shape") {
		case 0:
			return text.Draw(r, "text")
		case 1:
			return rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,8}`), text, 0, 4).Draw(r, "object")
		case 2:
			return rapid.SliceOfN(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), rapid.Int(), 0, 3), 0, 4).Draw(r, "list")
		}
		return rapid.Float64Range(-1e6, 1e6).Draw(r, "number")
	})
	rapid.Check(t, func(r *rapid.T) {
		var data []thimble.Datum
		for range rapid.IntRange(0, 12).Draw(r, "data") {
			data = append(data, thimble.Datum{Holder: rapid.SampledFrom([]string{"order", "gate", "collect"}).Draw(r, "holder"),
				Name: rapid.StringMatching(`[a-z ]{1,8}`).Draw(r, "name"), Category: thimble.PurchaseHistory, Value: value.Draw(r, "value"), At: at})
		}
		files := written(t, parcel(data...))
		var got linked
		if err := json.Unmarshal(files["data.jsonld"], &got); err != nil || len(got.Data) != len(data) {
			r.Fatalf("%d of %d data, %v", len(got.Data), len(data), err)
		}
		rows := 0
		for name, body := range files {
			if strings.HasPrefix(name, "tables/") {
				lines, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
				if err != nil {
					r.Fatal(err)
				}
				rows += len(lines) - 1
			}
		}
		if rows != len(data) {
			r.Fatalf("%d rows of %d data", rows, len(data))
		}
		if again := written(t, parcel(data...)); !bytes.Equal(again["data.jsonld"], files["data.jsonld"]) || !bytes.Equal(again["manifest.json"], files["manifest.json"]) {
			r.Fatal("the same archive gives other bytes")
		}
	})
}

func TestALockedFileOpensWithItsWordsOnly(t *testing.T) {
	ticket, err := portability.NewTicket()
	if err != nil {
		t.Fatal(err)
	}
	words, err := ticket.Words()
	if err != nil {
		t.Fatal(err)
	}
	again, err := portability.ParseTicket(ticket.String())
	if err != nil || again != ticket {
		t.Fatalf("read back %v, %v", again, err)
	}
	var sealed bytes.Buffer
	w, err := portability.Lock(&sealed, words)
	if err == nil {
		_, err = w.Write([]byte("all of it"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	open := func(words string) (string, error) {
		id, err := age.NewScryptIdentity(words)
		if err != nil {
			t.Fatal(err)
		}
		r, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), id)
		if err != nil {
			return "", err
		}
		plain, err := io.ReadAll(r)
		return string(plain), err
	}
	if got, err := open(words); err != nil || got != "all of it" {
		t.Errorf("opened %q, %v", got, err)
	}
	next, err := portability.NewTicket()
	if err != nil {
		t.Fatal(err)
	}
	others, _ := next.Words()
	if _, err := open(others); err == nil || others == words {
		t.Error("it opens with other words")
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 23), "ä"} {
		if _, err := portability.ParseTicket(bad); !errors.Is(err, thimble.ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestKindsWhoseNamesDifferInSignsAloneShareATable(t *testing.T) {
	files := written(t, parcel(
		thimble.Datum{Holder: "order", Name: "gift note", Category: thimble.PurchaseHistory, Value: "one", At: at},
		thimble.Datum{Holder: "order", Name: "gift-note", Category: thimble.PurchaseHistory, Value: "two", At: at},
		thimble.Datum{Holder: "-", Name: "-", Category: thimble.PurchaseHistory, Value: "three", At: at},
	))
	both, other := string(files["tables/order-gift-note.csv"]), string(files["tables/other.csv"])
	if !strings.Contains(both, "one") || !strings.Contains(both, "two") || !strings.Contains(other, "three") {
		t.Errorf("tables: %q, %q", both, other)
	}
}
