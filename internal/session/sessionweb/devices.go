package sessionweb

import (
	"context"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/session"
	"thimble/internal/web"
)

// Devices is the page of where somebody is signed in.
const Devices = "/privacy/devices"

// Sessions lists and ends somebody's sessions; *sessiondb.Store does.
type Sessions interface {
	List(ctx context.Context, who session.Who) ([]session.Session, error)
	Revoke(ctx context.Context, who session.Who, id thimble.ID) error
	RevokeAll(ctx context.Context, who session.Who, but thimble.ID) error
}

// DeviceTable returns somebody's sessions, this browser's first, with buttons that post
// to action.
func DeviceTable(ctx context.Context, s Sessions, who session.Who, here thimble.ID, action string) (web.Table, error) {
	all, err := s.List(ctx, who)
	if err != nil {
		return web.Table{}, err
	}
	t := web.Table{
		ID: "devices", Caption: "Signed-in devices", HideCaption: true,
		Columns: []web.Column{{Label: "Device"}, {Label: "Signed in"}, {Label: "Last seen"}, {Label: "Action", Kind: web.ActionColumn, HideHead: true}},
		Empty:   &web.Empty{Icon: "key", Title: "You are signed in nowhere"},
	}
	slices.SortStableFunc(all, func(a, b session.Session) int {
		switch here {
		case a.ID:
			return -1
		case b.ID:
			return 1
		}
		return 0
	})
	for _, f := range all {
		end := web.Action{Label: "Sign out", Href: action, Post: true, About: f.Device, Hidden: []web.Hidden{{Name: "session", Value: f.ID.Token(session.IDPrefix)}}}
		device := web.Cell{Value: f.Device}
		if f.ID == here {
			device.Sub, end.About = "this browser", "this browser"
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(device, f.Created, web.Ago(f.Seen), []web.Action{end})})
	}
	if len(all) > 1 {
		t.Actions = []web.Action{{Label: "Sign out all others", Href: action, Kind: "danger", Post: true, Hidden: []web.Hidden{{Name: "all", Value: "others"}}}}
	}
	return t, nil
}

// EndDevices does what a button of the list says: ends one session, or all but this.
func EndDevices(r *http.Request, s Sessions, who session.Who, here thimble.ID) error {
	if r.PostFormValue("all") != "" {
		return s.RevokeAll(r.Context(), who, here)
	}
	id, err := thimble.ParseID(session.IDPrefix, r.PostFormValue("session"))
	if err != nil {
		return err
	}
	return s.Revoke(r.Context(), who, id)
}

func (p *portal) devices(w http.ResponseWriter, r *http.Request) {
	v := web.VisitorFrom(r.Context())
	list, err := DeviceTable(r.Context(), p.Sessions, customer(v), v.Session, Devices)
	if err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_devices.html", web.Page{
		Title: "Where you are signed in", Lead: "Each browser in which somebody is in your privacy centre. If you do not know one of them, end it.", Body: devicesBody{list},
	})
}

type devicesBody struct{ Devices web.Table }

func customer(v web.Visitor) session.Who {
	return session.Who{Audience: session.Customer, Subject: v.Subject}
}

// endDevice ends a session. Who ends their own is signed out.
func (p *portal) endDevice(w http.ResponseWriter, r *http.Request) {
	v := web.VisitorFrom(r.Context())
	if err := EndDevices(r, p.Sessions, customer(v), v.Session); err != nil {
		p.frame.Fail(w, r, err)
		return
	}
	if r.PostFormValue("session") == v.Session.Token(session.IDPrefix) {
		p.door.Drop(w)
		http.Redirect(w, r, SignIn+"?done=signed-out", http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, Devices+"?done=session-ended", http.StatusSeeOther)
}

// Proofs are the patterns of this package that need a fresh proof.
func Proofs() []string { return []string{"POST " + Devices} }
