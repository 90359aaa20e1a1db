// The Cloud tab: providers and jobs.

import { element, panel } from "./dom.js";
import { t } from "./i18n.js";

export default {
  id: "cloud", group: "cloud", titleKey: "cloud.jobs", permission: "job.view.own",
  mount(root) {
    root.append(panel(t("cloud.jobs"), {}, element("p", {}, "")));
    return () => {};
  },
};
