package plandb

// A store in the folder of another is not that one.
const (
	months  = `select profile from collect_months` // want `SQL names the sealed column collect_months\.profile, which only timelinedb reads`
	reviews = `select body from collect_reviews`   // want `SQL names the sealed column collect_reviews\.body, which only collectdb reads`
	plans   = `select body from collect_plans`
)
