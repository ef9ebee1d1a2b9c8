package staffweb

import (
	"time"

	"thimble/internal/staff"
	"thimble/internal/web"
)

// Facts says what is known of an account.
func Facts(a staff.Account, now time.Time) []web.KeyValue {
	facts := []web.KeyValue{
		{Key: "Name", Value: a.Name, Sub: "Customers see it beside each look at their data."},
		{Key: "Roles", Value: RoleBadges(a.Roles)},
		{Key: "State", Value: StatusBadge(a.Status)},
		{Key: "Training", Value: trainingBadge(a, now)},
		{Key: "Last sign-in", Value: a.SeenAt},
	}
	if a.HasPassword {
		facts = append(facts, web.KeyValue{Key: "Recovery codes left", Value: a.CodesLeft})
	}
	return facts
}

// RoleBadges shows roles.
func RoleBadges(roles []staff.Role) []web.Badge {
	badges := make([]web.Badge, len(roles))
	for i, r := range roles {
		badges[i] = web.Badge{Text: string(r)}
	}
	if len(badges) == 0 {
		badges = []web.Badge{{Text: "no role", Tone: web.Warn}}
	}
	return badges
}

// StatusBadge shows a status.
func StatusBadge(s staff.Status) web.Badge {
	tone := map[staff.Status]web.Tone{staff.Active: web.Good, staff.Invited: web.Info, staff.Locked: web.Bad}[s]
	return web.Badge{Text: string(s), Tone: tone}
}

func trainingBadge(a staff.Account, now time.Time) web.Badge {
	switch {
	case a.TrainedUntil.IsZero():
		return web.Badge{Text: "none: people's data stays closed", Tone: web.Warn}
	case !a.Trained(now):
		return web.Badge{Text: "ended " + a.TrainedUntil.Format(time.DateOnly) + ": people's data stays closed", Tone: web.Warn}
	}
	return web.Badge{Text: "counts until " + a.TrainedUntil.Format(time.DateOnly), Tone: web.Good}
}
