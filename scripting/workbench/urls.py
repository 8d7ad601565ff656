"""Where the workbench is: pages below /scripts/, and what they ask for below each script's api/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import StringConverter

from scripting.workbench import (
    api,
    case_addresses,
    creating,
    git_pages,
    pages,
    play_pages,
    replay_pages,
    review_pages,
    schedule_pages,
    topic_pages,
    tune_pages,
)


class NameConverter(StringConverter):
    """The name of a module or a script."""

    regex = "[a-z][a-z0-9_]{0,63}"


register_converter(NameConverter, "script_name")

SCRIPT = "<script_name:module>/<script_name:name>/"

app_name = "workbench"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.scripts, name="scripts"),
    path("new/", creating.new_script, name="new"),
    path("git/", git_pages.branch, name="git"),
    path("git/decide", git_pages.decide, name="git_decide"),
    path("git/look", git_pages.look, name="git_look"),
    path("git/webhook", git_pages.webhook, name="git_webhook"),
    path("schedules/", schedule_pages.schedules, name="schedules"),
    path("schedules/<int:schedule_id>/", schedule_pages.schedule, name="schedule"),
    path("schedules/<int:schedule_id>/pause", schedule_pages.pause, name="pause_schedule"),
    path("schedules/<int:schedule_id>/resume", schedule_pages.resume, name="resume_schedule"),
    path("schedules/<int:schedule_id>/run", schedule_pages.run, name="run_schedule"),
    path("topics/", topic_pages.catalogue, name="topics"),
    path("topics/<str:topic>/", topic_pages.one, name="topic"),
    path("topics/<str:topic>/rule", topic_pages.new_rule, name="new_rule"),
    path("topics/<str:topic>/subscribe", topic_pages.subscribe, name="subscribe"),
    path("topics/<str:topic>/rollback", topic_pages.rollback, name="rollback_subscriptions"),
    path("reviews/", review_pages.listed, name="reviews"),
    path("reviews/<int:review>/", review_pages.review, name="review"),
    path(SCRIPT, pages.workbench, name="script"),
    path(f"{SCRIPT}history/", pages.history, name="history"),
    path(f"{SCRIPT}replay/", replay_pages.chooser, name="replay"),
    path(f"{SCRIPT}replay/<uuid:report_id>/", replay_pages.report, name="report"),
    path(f"{SCRIPT}replay/<uuid:report_id>/cancel/", replay_pages.cancel, name="cancel_replay"),
    path(f"{SCRIPT}replay/<uuid:report_id>/<uuid:execution_id>/", replay_pages.change, name="replay_change"),
    path(f"{SCRIPT}plays/", play_pages.chooser, name="plays"),
    path(f"{SCRIPT}plays/<uuid:report_id>/", play_pages.report, name="plays_report"),
    path(f"{SCRIPT}plays/<uuid:report_id>/cancel/", play_pages.cancel, name="cancel_plays"),
    path(f"{SCRIPT}plays/<uuid:report_id>/go-on/", play_pages.go_on, name="go_on_plays"),
    path(f"{SCRIPT}plays/<uuid:report_id>/<int:seed>/", play_pages.playback, name="playback"),
    path("tune/", tune_pages.tunable, name="tunable"),
    path(f"{SCRIPT}tune/", tune_pages.tune, name="tune"),
    path(f"{SCRIPT}api/tune/replay", tune_pages.replay, name="tune_replay"),
    path(f"{SCRIPT}api/tune/curves", tune_pages.curves, name="tune_curves"),
    path(f"{SCRIPT}api/tune/publish", tune_pages.publish, name="tune_publish"),
    path(f"{SCRIPT}api/tune/review", review_pages.ask_about_values, name="tune_review"),
    path(f"{SCRIPT}api/tune/plan", tune_pages.plan, name="tune_plan"),
    path(f"{SCRIPT}api/tune/cancel", tune_pages.cancel, name="tune_cancel"),
    path(f"{SCRIPT}api/tune/drop", tune_pages.drop, name="tune_drop"),
    path(f"{SCRIPT}api/tune/rollback", tune_pages.rollback, name="tune_rollback"),
    path(f"{SCRIPT}api/replay", replay_pages.start, name="start_replay"),
    path(f"{SCRIPT}api/cases", case_addresses.run, name="cases"),
    path(f"{SCRIPT}api/cases/keep", case_addresses.keep, name="keep_case"),
    path(f"{SCRIPT}api/cases/change", case_addresses.change, name="change_case"),
    path(f"{SCRIPT}api/cases/remove", case_addresses.remove, name="remove_case"),
    path(f"{SCRIPT}api/cases/of/<script_name:case>", case_addresses.opened, name="case"),
    path(f"{SCRIPT}api/review", review_pages.ask, name="ask_review"),
    path(f"{SCRIPT}api/check", api.check, name="check"),
    path(f"{SCRIPT}api/trial", api.trial, name="trial"),
    path(f"{SCRIPT}api/sample", api.sample, name="sample"),
    path(f"{SCRIPT}api/compare_trials", api.compare_trials, name="compare_trials"),
    path(f"{SCRIPT}api/cancel", api.cancel, name="cancel"),
    path(f"{SCRIPT}api/names", api.names, name="names"),
    path(f"{SCRIPT}api/events", api.events, name="events"),
    path(f"{SCRIPT}api/executions/<str:execution_id>", api.execution, name="execution"),
    path(f"{SCRIPT}api/draft", api.save_draft, name="draft"),
    path(f"{SCRIPT}api/discard", api.discard_draft, name="discard"),
    path(f"{SCRIPT}api/merge", api.merged, name="merge"),
    path(f"{SCRIPT}api/active", api.active, name="active"),
    path(f"{SCRIPT}api/live", api.loaded, name="live"),
    path(f"{SCRIPT}api/versions/<int:number>", api.version, name="version"),
    path(f"{SCRIPT}api/compare", api.compare, name="compare"),
    path(f"{SCRIPT}api/file", api.file, name="file"),
    path(f"{SCRIPT}api/gate", api.at_gate, name="gate"),
    path(f"{SCRIPT}api/publish", api.publish, name="publish"),
    path(f"{SCRIPT}api/rollback", api.rollback, name="rollback"),
]
