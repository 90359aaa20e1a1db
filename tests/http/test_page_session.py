"""The page: the ways in and out, and what is the same on all its views."""


def test_first_run_makes_the_administrator(new_stack, browser):
    stack = new_stack(reset=False)
    browser.visit(stack)
    browser.see("h1", "First administrator")
    browser.shot("setup")
