package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/subject"
	"thimble/internal/web/webtest"
)

// A clerk is staff at the console, without a browser.
type clerk struct {
	h      *house
	cookie *http.Cookie
}

func (c clerk) do(t *testing.T, req *http.Request) (status int, location, body string) {
	t.Helper()
	req.Header.Set("Accept", "text/html")
	req.AddCookie(c.cookie)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location"), string(b)
}

// uploads sends a file as the form does.
func (c clerk) uploads(t *testing.T, kind, name, content string) (status int, location, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("kind", kind)
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
	}
	_ = w.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.h.url+"/console/imports/upload", &b)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.do(t, req)
}

func (c clerk) posts(t *testing.T, path string, form url.Values) (status int, location, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.h.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(t, req)
}

func (c clerk) gets(t *testing.T, path string) (status int, location, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.h.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.do(t, req)
}

const german = "Kundennummer;E-Mail;Vorname;Nachname;Geburtsdatum;Land;Lieblingsfarbe\nK-1;ada@example.org;Ada;Xyzzy;24.12.1990;Deutschland;Blau\nK-2;bob@example.org;Bob;Meier;03.04.1985;DE;\nK-3;;;;;;\n;;Nemo;;;;\n"

// TestAFileIsUploadedConfirmedAndImported is the way of a file through the console: look,
// confirm, report; and nothing of it is on any page, in the log or in the clear on disk.
func TestAFileIsUploadedConfirmedAndImported(t *testing.T) {
	h := open(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Uploads.Run(ctx) }()
	defer func() { stop(); <-ended }()
	owner := clerk{h, &http.Cookie{Name: "thimble_staff", Value: h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"})}}
	for name, c := range map[string]struct{ kind, file, content, want string }{
		"no kind": {"", "a.csv", german, "Choose what is in the file"}, "no file": {"customers", "", "", "Choose a file"},
		"no header": {"customers", "a.csv", "ada@example.org,Ada\n", "looks like data"}, "empty": {"customers", "a.csv", "", "file is empty"},
	} {
		if status, _, body := owner.uploads(t, c.kind, c.file, c.content); status != 422 || !strings.Contains(body, c.want) || strings.Contains(body, "ada@") {
			t.Errorf("%s: got %d, want 422 and %q", name, status, c.want)
		}
	}
	status, at, _ := owner.uploads(t, "customers", "kunden.csv", german)
	if status != 303 {
		t.Fatalf("got %d", status)
	}
	_, _, body := owner.gets(t, at)
	for _, want := range []string{"Kundennummer", "e-mail (2)", "DD.MM.YYYY", `<option value="E-Mail" selected>`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page to confirm lacks %q", want)
		}
	}
	onDisk := ""
	files, err := filepath.Glob(filepath.Join(h.Config.Data, "imports", "*"))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		onDisk += string(b)
	}
	if err != nil || len(files) != 1 || strings.Contains(body+onDisk, "Xyzzy") || strings.Contains(body+onDisk, "ada@") {
		t.Errorf("%d files, %v; a value is on the page or in the clear on disk", len(files), err)
	}
	// Nobody else sees it.
	h.Employs("mara", "admin")
	mara := clerk{h, &http.Cookie{Name: "thimble_staff", Value: h.cookie(t, session.Who{Audience: session.Staff, Staff: "mara"})}}
	if status, _, _ := mara.gets(t, at); status == 200 {
		t.Error("somebody else sees the upload")
	}
	form := url.Values{"column.account": {"Kundennummer"}, "column.email": {"Kundennummer"}, "date": {"DD.MM.YYYY"}}
	if status, _, body := owner.posts(t, at, form); status != 422 || !strings.Contains(body, "cannot be the same column") {
		t.Errorf("one column twice: got %d", status)
	}
	form = url.Values{"column.account": {"Kundennummer"}, "column.email": {"E-Mail"}, "column.first_name": {"Vorname"}, "column.last_name": {"Nachname"}, "column.birthday": {"Geburtsdatum"}, "date": {"DD.MM.YYYY"}}
	if status, _, body := owner.posts(t, at, form); status != 303 {
		t.Fatalf("got %d: %s", status, body)
	}
	report := ""
	for end := time.Now().Add(20 * time.Second); report == "" && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, report, _ = owner.gets(t, at)
	}
	_, _, body = owner.gets(t, report)
	if !strings.Contains(body, "kunden.csv") || !strings.Contains(body, "the row needs a customer number") || strings.Contains(body, "Xyzzy") {
		t.Errorf("the report at %q says:\n%s", report, body)
	}
	found, err := h.Subjects.FindAll(t.Context(), []subject.Identifier{{Kind: subject.Email, Value: thimble.Hide("ada@example.org")}})
	if err != nil || found[0].IsZero() {
		t.Errorf("ada is not there: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(h.Config.Data, "imports", "*")); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

// TestTheConsolesImportPagesHaveNoBarriers looks at the pages that only a file leads to.
func TestTheConsolesImportPagesHaveNoBarriers(t *testing.T) {
	browser := webtest.Start(t)
	h := open(t)
	cookie := &http.Cookie{Name: "thimble_staff", Value: h.cookie(t, session.Who{Audience: session.Staff, Staff: "owner"})}
	owner := clerk{h, cookie}
	tab := browser.NewTab(webtest.Desk)
	tab.Cookie(h.url, cookie.Name, cookie.Value)
	_, confirm, _ := owner.uploads(t, "customers", "kunden.csv", german)
	_, doubt, _ := owner.uploads(t, "orders", "orders.csv", "Order,Date,Email,SKU,Qty,Price\n1,03/04/2024,ada@example.org,A-1,1,9.90\n")
	_, waits, _ := owner.uploads(t, "customers", "waits.csv", german)
	form := url.Values{"column.account": {"Kundennummer"}}
	if status, _, _ := owner.posts(t, waits, form); status != 303 {
		t.Fatalf("got %d", status)
	}
	for i, page := range []string{confirm, doubt, waits, "/console/imports/upload", "/console/imports"} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { look(t, tab, h.url, page, i) })
	}
}
