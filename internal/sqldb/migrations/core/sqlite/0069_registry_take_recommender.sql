-- +goose Up
-- The recommender's versions from before packages were signed. The one that served has no
-- signature: the next start refuses it and trains anew.
insert into registry_models (model, latest, floor, held)
	select 'item-item', max(version), max(version), 0 from recommend_versions having count(*) > 0;
insert into registry_versions (model, version, stage, package, weights, signer, card, lineage, bytes, made_ms, reason, made_at, opening)
	select 'item-item', version, case when serving = 1 then 'champion' else 'destroyed' end, model, model, '',
		'{"format":0,"model":"item-item","version":' || version || ',"data":{"people":' || people || ',"items":' || items || ',"interactions":' || interactions || ',"weights":' || weights || '}}',
		'{"format":0,"recipe":' || recipe || '}', bytes, train_ms, reason, trained_at, opening from recommend_versions;
insert into registry_changes (model, version, from_stage, to_stage, reason, actor, at, seq, opening)
	select 'item-item', version, 'champion', 'destroyed', '', '', withdrawn_at, version, withdrawal from recommend_versions where withdrawn_at is not null;
drop table recommend_versions;
