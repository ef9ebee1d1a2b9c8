package staffweb

import (
	"testing"
	"time"

	"thimble"
	"thimble/internal/staff"
	"thimble/internal/web"
	"thimble/internal/web/webtest"
)

func TestEveryPageRendersWithNothingAndWithEverything(t *testing.T) {
	kit, err := web.New(web.Config{})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := kit.Pages(files, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	setup, err := setupForm("/console/account/set-up", "Thimble", "mara", "", thimble.ErrInvalid)
	if err != nil {
		t.Fatal(err)
	}
	form := web.Form{Action: "/console", Submit: "Go", Problem: "It is wrong."}
	used := web.Callout{Title: "Used", Action: &web.Action{Label: "Back", Href: SignIn}}
	table := web.Table{Caption: "Devices", Columns: []web.Column{{Label: "Device"}}, Rows: []web.Row{{Cells: web.Cells("Firefox on Linux")}}}
	other, second := table, form
	other.ID, second.ID = "other", "second"
	mara := staff.Account{Name: "mara", Roles: []staff.Role{staff.Support}, Status: staff.Active, HasPassword: true, TrainedUntil: time.Unix(1, 0)}
	code := web.CodeBlock{Title: "Codes", Code: "a\nb"}
	webtest.RenderAll(t, pages, map[string]web.Page{
		"sign_in.html": {Title: "Sign in", Body: signInBody{Left: &used, Form: form, Command: code}},
		"link.html":    {Title: "Welcome", Body: linkBody{Used: &used, Form: &form, Setup: setup}},
		"codes.html":   {Title: "Codes", Body: codesBody{Codes: code, Home: Home}},
		"account.html": {Title: "My account", Body: accountBody{Facts: Facts(mara, time.Unix(2, 0)), Setup: setup, Password: &form, Devices: table}},
		"confirm.html": {Title: "Still you?", Body: confirmBody{Form: &form, Command: code}},
		"people.html":  {Title: "People", Body: peopleBody{Table: table, Roles: other, Add: form}},
		"person.html": {Title: "mara", Body: sightBody{Facts: Facts(mara, time.Unix(2, 0)), Sight: table, Pages: []web.KeyValue{{Key: "a", Value: "b"}}, Used: &other,
			Past: past([]staff.Change{{What: staff.RolesChanged, By: "ivo", Note: "new work", Roles: mara.Roles}, {What: staff.TrainingSet}}), Forms: forms(mara, thimble.ErrInvalid), Others: &used}},
		"review.html":  {Title: "Review", Body: reviewBody{Due: 1, Table: table, Form: &form}},
		"onetime.html": {Title: "A link", Body: oneTimeBody{Link: code, Back: PeoplePage}},
		"glass.html":   {Title: "Broken glass", Body: glassBody{Break: &form, Waiting: []waiting{{Facts: []web.KeyValue{{Key: "a", Value: "b"}}, Form: &second}, {}}, Table: table}},
	})
}
