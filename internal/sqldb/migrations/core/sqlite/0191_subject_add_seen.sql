-- +goose Up
-- The day (UTC microseconds of its midnight) on which somebody was there last, in whatever
-- way; it goes with the rest of them. Of those who are there already it is found in what is
-- kept of them; where nothing is, they were there when they came to be known.
alter table subject_subjects add column seen_on integer;
update subject_subjects set seen_on = created_at / 86400000000 * 86400000000 where state = 'active';
update subject_subjects set seen_on = n.at / 86400000000 * 86400000000 from (
	select who, max(at) as at from (
		select subject_id as who, placed_at as at from order_orders where subject_id is not null
		union all select subject_id, at from consent_events
		union all select subject_id, seen_at from session_sessions where subject_id is not null
		union all select subject_id, at from cases_requests where subject_id is not null
		union all select subject_id, at from collect_reviews where subject_id is not null) a group by who) n
	where n.who = subject_subjects.id and state = 'active' and n.at > seen_on;
