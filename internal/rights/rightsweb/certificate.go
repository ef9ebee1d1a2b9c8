package rightsweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/rights"
	"thimble/internal/rights/certificate"
)

//go:embed assets
var assets embed.FS

// certificateFile is what follows the address of an erasure.
const certificateFile = "/certificate.json"

// CheckPage is the address of the page that checks certificates, as a file to keep.
const CheckPage = Forgotten + "check-certificate.html"

// checkModule is the address of the module that checks certificates where they stand.
const checkModule = Forgotten + "certificate.js"

// certificateCheck offers to check the certificate of an erasure in the browser.
func certificateCheck(log ledgerweb.ReceiptLog, request, title string) ledgerweb.Check {
	return ledgerweb.Check{Title: title, Href: Forgotten + request + certificateFile, Key: log.VerifierKey(), Certificate: checkModule}
}

// writeCertificate sends the newest certificate of an erasure. One that was issued just
// now is waited for; one that is not there yet is of kind ErrUnavailable.
func writeCertificate(w http.ResponseWriter, r *http.Request, log ledgerweb.ReceiptLog, newest func(context.Context, thimble.ID) (ledger.Opening, error), id thimble.ID) error {
	o, err := newest(r.Context(), id)
	var receipt *ledger.Receipt
	if err == nil {
		receipt, err = ledgerweb.Sealed(r.Context(), log, o)
	}
	if errors.Is(err, thimble.ErrUnavailable) {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "This certificate is being signed. Load it again in a second.", http.StatusServiceUnavailable)
		return nil
	}
	var text []byte
	if err == nil {
		text, err = certificate.Write(receipt)
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "certificate-"+id.Token(rights.TokenPrefix)+".json"))
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text) // a client that went away needs no answer
	return nil
}

func (p *portal) forgottenCertificate(w http.ResponseWriter, r *http.Request) {
	report, _, err := p.report(r)
	var id thimble.ID
	if err == nil {
		id, err = thimble.ParseID(rights.TokenPrefix, report.Request)
	}
	if err == nil {
		err = writeCertificate(w, r, p.Receipts, p.Requests.Certificate, id)
	}
	if err != nil {
		p.frame.Fail(w, r, err)
	}
}

// asset is an embedded file.
func asset(name string) string {
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return string(b)
}

// module sends the module that checks certificates, which stands on that of receipts.
func (p *portal) module(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, strings.Replace(asset("certificate.js"), "'./verify.js'", "'"+ledgerweb.ReceiptModule+"'", 1)) // a client that went away needs no answer
}

// OfflineCheck is the page that checks certificates, as one file with the log's key.
func OfflineCheck(vkey string) []byte {
	return ledgerweb.Offline(asset("certificate.html"), "certificate-page.js", vkey, asset("certificate.js"), asset("certificate-page.js"))
}

func (p *portal) checkPage(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Disposition", `attachment; filename="check-certificate.html"`)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(OfflineCheck(p.Receipts.VerifierKey())) // a client that went away needs no answer
}
