package timelinedb

const (
	months = `select interactions, profile from collect_months where subject_id = $1`
	frames = `select bytes from log_frames where seq = $1` // want `SQL names the sealed column log_frames\.bytes, which only framedb reads`
)
