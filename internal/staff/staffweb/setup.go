package staffweb

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/boombuler/barcode/qr"

	"thimble"
	"thimble/internal/staff"
	"thimble/internal/staff/staffdb"
	"thimble/internal/web"
)

// A setupBody asks for a password, and shows the secret of a second factor.
type setupBody struct {
	Form   web.Form
	Secret string // in groups of four, to be typed in
	Code   qrCode
}

// A qrCode is a picture for the camera of a telephone; its secret is beside it as text.
type qrCode struct {
	Box  string // the viewBox, with the quiet zone that ISO/IEC 18004 asks for
	Side int    // in modules, with the quiet zone
	Path string // of the dark modules
}

const quiet = 4 // modules

func drawCode(uri string) (qrCode, error) {
	code, err := qr.Encode(uri, qr.M, qr.Auto)
	if err != nil {
		return qrCode{}, fmt.Errorf("staffweb: drawing a code: %w", err)
	}
	side := code.Bounds().Dx()
	var path strings.Builder
	for y := range side {
		for x := range side {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	all := side + 2*quiet
	return qrCode{Box: fmt.Sprintf("%d %d %d %d", -quiet, -quiet, all, all), Side: all, Path: path.String()}, nil
}

// setupForm asks for a password and a code of a secret: the one that came back with a form
// that was not right, else a new one.
func setupForm(action, issuer, name, secret string, problem error) (*setupBody, error) {
	s, err := secretOf(secret)
	if err != nil {
		return nil, err
	}
	body, err := factorForm(action, issuer, name, s)
	if err != nil {
		return nil, err
	}
	body.Form.Submit = "Set them and come in"
	body.Form.Fields = append([]web.Field{
		{Name: "password", Label: "New password", Kind: web.PasswordField, Required: true, Autocomplete: "new-password", MaxLength: 256, Hint: "At least twelve characters. A sentence is easy to keep."},
		{Name: "again", Label: "The same password again", Kind: web.PasswordField, Required: true, Autocomplete: "new-password", MaxLength: 256},
	}, body.Form.Fields...)
	explain(&body.Form, problem)
	return body, nil
}

func secretOf(secret string) (thimble.Personal[string], error) {
	if s := thimble.Hide(secret); secret != "" && staff.CheckSecret(s) == nil {
		return s, nil
	}
	return staff.NewSecret(nil)
}

// factorForm asks for a code of a new secret.
func factorForm(action, issuer, name string, secret thimble.Personal[string]) (*setupBody, error) {
	// Revealed to its owner, who takes it into an app.
	text := secret.Reveal()
	uri := staff.SecretURI(issuer, name, secret)
	code, err := drawCode(uri)
	if err != nil {
		return nil, err
	}
	var groups []string
	for i := 0; i < len(text); i += 4 {
		groups = append(groups, text[i:min(i+4, len(text))])
	}
	form := web.Form{ID: "setup", Action: action, Submit: "Take this one", Fields: []web.Field{
		codeField("The six digits that the app shows now, for this secret."), {Name: "secret", Kind: web.HiddenField, Value: text},
	}}
	return &setupBody{Form: form, Secret: strings.Join(groups, " "), Code: code}, nil
}

// explain puts what is wrong beside its field.
func explain(f *web.Form, problem error) {
	if problem == nil {
		return
	}
	text := problem.Error()
	for i := range f.Fields {
		if _, rule, ok := strings.Cut(text, "staff: "+f.Fields[i].Name+": "); ok {
			f.Fields[i].Error = strings.TrimSuffix(rule, ": "+thimble.ErrInvalid.Error())
			return
		}
	}
	f.Problem = "Something is missing. Fill in all fields."
}

// readSetup reads the form; the error is of kind thimble.ErrInvalid.
func readSetup(r *http.Request) (staffdb.Setup, error) {
	u := staffdb.Setup{Password: thimble.Hide(r.PostFormValue("password")), Secret: thimble.Hide(r.PostFormValue("secret")), Code: r.PostFormValue("code")}
	if r.PostFormValue("password") != r.PostFormValue("again") {
		return u, fmt.Errorf("staff: again: the two passwords are not the same: %w", thimble.ErrInvalid)
	}
	return u, nil
}

type codesBody struct {
	Codes web.CodeBlock
	Home  string
}

// showCodes shows recovery codes, this once.
func showCodes(f *web.Frame, pages *web.Pages, w http.ResponseWriter, r *http.Request, codes []thimble.Personal[string]) {
	lines := make([]string, len(codes))
	for i, c := range codes {
		lines[i] = c.Reveal() // to their owner, once
	}
	w.Header().Set("Cache-Control", "no-store")
	f.Render(w, r, http.StatusOK, pages, "codes.html", web.Page{Title: "Keep these recovery codes", Lead: "Each of them comes in once, in place of a code of your app, for the day on which you have lost it. They are not shown again.",
		Body: codesBody{Codes: web.CodeBlock{Title: "Recovery codes", Code: strings.Join(lines, "\n")}, Home: Home}})
}
