"""The page: backups are made, proved and gone back to; the database is looked at."""

import expect
from page_admin import DIALOG, answer, boss, dismiss, go, needs, new_user, row, staff, watched

FIXTURES = (boss, staff)
BACKUPS = "/api/backup"


def test_a_backup_is_made_verified_restored_and_deleted(staff, boss):
    needs(staff, BACKUPS)
    go(boss, "admin/backups", "Backups")
    boss.click("button", "Make a backup")
    boss.fill("Name", "before", DIALOG)
    boss.fill("Description", "<i>by hand</i>", DIALOG)
    answer(boss, "Make a backup")
    boss.see(".toast", "made and checked")
    [made] = expect.ok(staff.get(BACKUPS))["backups"][:1]
    name = made["id"]
    assert "<i>by hand</i>" in row(boss, name) and "Database" in row(boss, name)
    dismiss(boss)
    boss.click("button", f"Verify: {name}")
    boss.see(".toast", "it is what was written")
    dismiss(boss)

    new_user(staff, "latecomer", "viewer")
    boss.click("button", f"Restore: {name}")
    boss.see(f"{DIALOG} .note", "Dry run - no changes made")
    boss.fill("Type “restore” to confirm", "yes", DIALOG)
    boss.click("button", "Restore", DIALOG)
    boss.see(f"{DIALOG} .field .error", "exactly")
    assert "latecomer" in staff.get("/api/users?limit=500").text  # nothing has happened yet
    boss.fill("Type “restore” to confirm", "restore", DIALOG)
    with watched(boss, allowed=(503,)):
        boss.click("button", "Restore", DIALOG)
        boss.see(DIALOG, "The database of the backup is in use")
        boss.see(f"{DIALOG} li", "backed up to")
        answer(boss, "Close")
        boss.see("tbody tr", "before_restore")
    assert "latecomer" not in staff.get("/api/users?limit=500").text
    boss.click("button", f"Delete: {name}")
    boss.see(DIALOG, "This cannot be undone.")
    answer(boss, "Delete")
    boss.gone("tbody tr", name)


def test_the_database_is_measured_verified_and_vacuumed(staff, boss):
    needs(staff, "/api/database/stats")
    go(boss, "admin/database", "Database")
    assert int(row(boss, "audit_log").split()[-1].replace(",", "")) > 0
    boss.click("button", "Verify")
    boss.see(".note", "No fault was found")
    boss.click("button", "Vacuum")
    answer(boss, "Vacuum")
    boss.see(".toast", "Given back")
